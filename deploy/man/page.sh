#!/bin/sh
# SPDX-License-Identifier: MIT
# A manual page, made of the source for scdoc on standard input. Its first line tells man of tables, as scdoc does not.
printf '%s\n' "'\\\" t"
exec scdoc
