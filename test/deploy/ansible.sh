#!/bin/bash
# SPDX-License-Identifier: MIT
# The role for Ansible: ansible-lint has nothing to say, and what it configures is what was asked for, once.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
export HOME=$dir ANSIBLE_HOME=$dir/ansible ANSIBLE_LOCAL_TEMP=$dir/ansible/tmp ANSIBLE_NOCOLOR=1 LC_ALL=C.UTF-8
export ANSIBLE_ROLES_PATH=$repo/deploy/ansible/roles ANSIBLE_REMOTE_TEMP=$dir/ansible/remote

cp -r "$repo/deploy/ansible" "$dir/role" # not a part of a repository, of which it would look at all files
check "ansible-lint has nothing to complain of" "$(cd "$dir/role" && ansible-lint --offline -q --nocolor 2>&1)" ""
check "its example is a playbook" "$(ansible-playbook -i xen, --syntax-check "$repo/deploy/ansible/site.yml" 2>&1 | grep -ic error || true)" 0

# ---- what it configures, below $dir, where it needs no rights; the services are none, so the handlers are others

cat >"$dir/play.yml" <<END
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    xenrecon_defaults_file: $dir/etc/default
    xenrecon_policies_dir: $dir/etc/policies.d
    xenrecon_textfile_dir: $dir/textfiles
    xenrecon_command: ${xenrecon[-1]}
    xenrecon_options: --log-format json
    xenrecon_policies: [$dir/mine/qdisk.yaml]
  tasks:
    - ansible.builtin.import_tasks: $repo/deploy/ansible/roles/xenrecon/tasks/configure.yml
  handlers:
    - {name: Restart xenrecon, ansible.builtin.debug: {msg: restarts}}
    - {name: Reload xenrecon, ansible.builtin.debug: {msg: reloads}}
END
mkdir "$dir/etc" "$dir/mine"
cp "$repo/deploy/policies/qdisk.yaml" "$dir/mine"
# play: runs it; says how many things it changed, and what is done for it
play() {
    ansible-playbook -i localhost, "$dir/play.yml" "$@" >"$dir/said" 2>&1 || echo "it failed" >>"$dir/said"
    sed -n 's/.*changed=\([0-9]*\).*/changed \1/p; s/.*"msg": "\(re[a-z]*\)".*/\1/p; s/^it failed/failed/p' "$dir/said" | xargs
}
printf '%s\n' '# Options of the service' '#XENRECON_OPTIONS="--dry-run"' 'OTHER=1' >"$dir/etc/default"
check "it configures" "$(play)" "restarts reloads changed 4"
check "options" "$(xargs -d '\n' <"$dir/etc/default")" \
    "# Options of the service XENRECON_OPTIONS=\"--metrics-file $dir/textfiles/xenrecon.prom --log-format json\" OTHER=1"
check "policies" "$(cmp "$dir/mine/qdisk.yaml" "$dir/etc/policies.d/qdisk.yaml" && ls "$dir/etc/policies.d")" qdisk.yaml
check "once" "$(play)" "changed 0"
check "without metrics" "$(play -e '{xenrecon_textfile_dir: "", xenrecon_options: ""}')" "restarts changed 1"
check "there are no options" "$(grep -c 'XENRECON_OPTIONS=""' "$dir/etc/default")" 1
echo "nonsense: 1" >>"$dir/mine/qdisk.yaml"
check "a policy that is wrong" "$(play -e '{xenrecon_textfile_dir: "", xenrecon_options: ""}')" "changed 0 failed"
check "it is said where" "$(grep -c 'nonsense' "$dir/said")" 1
check "and does not come there" "$(grep -c nonsense "$dir/etc/policies.d/qdisk.yaml" || true)" 0
