/* SPDX-License-Identifier: MIT */
/* How the HTML report looks, and its filter. The hashes, of exactly these texts, are what its policy
 * (Content-Security-Policy) lets a browser apply and run, and nothing else: SHA-256 in base64, as the policy
 * has it. A test says what they should be. */
#ifndef XENRECON_REPORT_HTML_STYLE_H
#define XENRECON_REPORT_HTML_STYLE_H

extern const char report_html_style[], report_html_style_hash[];
extern const char report_html_script[], report_html_script_hash[];

#endif
