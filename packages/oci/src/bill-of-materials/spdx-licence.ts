/** Licences of the SPDX list that packages of images mostly have. What is not here is told as text, which is valid for any. */
const KNOWN: ReadonlySet<string> = new Set(
  `0BSD AFL-2.1 AFL-3.0 AGPL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-1.0 Artistic-2.0 BlueOak-1.0.0
  BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-4-Clause BSL-1.0 bzip2-1.0.6 CC-BY-3.0 CC-BY-4.0 CC0-1.0 CDDL-1.0 CDDL-1.1 curl EPL-1.0
  EPL-2.0 EUPL-1.2 FTL GFDL-1.3-or-later GPL-1.0-or-later GPL-2.0 GPL-2.0-only GPL-2.0-or-later GPL-3.0 GPL-3.0-only GPL-3.0-or-later HPND ICU
  ISC LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1 LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0 LGPL-3.0-only LGPL-3.0-or-later libpng-2.0
  MIT MIT-0 MPL-1.1 MPL-2.0 MS-PL NCSA OFL-1.1 OpenSSL PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 Ruby TCL Unicode-3.0 Unicode-DFS-2016 Unlicense
  UPL-1.0 Vim W3C WTFPL X11 Zlib zlib-acknowledgement ZPL-2.1`.split(/\s+/),
);
const EXCEPTIONS: ReadonlySet<string> = new Set(['Classpath-exception-2.0', 'GCC-exception-3.1', 'LLVM-exception']);

/** Whether a licence that a package tells is an SPDX expression (Annex D) of licences that are known here. */
export function isSpdxExpression(text: string): boolean {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? [];
  let depth = 0;
  let wantsLicence = true;
  for (const [at, token] of tokens.entries()) {
    if (token === '(' && wantsLicence) depth++;
    else if (token === ')' && !wantsLicence && depth > 0) depth--;
    else if (/^(?:AND|OR|WITH)$/.test(token) && !wantsLicence) wantsLicence = true;
    else if (wantsLicence && (tokens[at - 1] === 'WITH' ? EXCEPTIONS : KNOWN).has(token)) wantsLicence = false;
    else return false;
  }
  return depth === 0 && !wantsLicence;
}
