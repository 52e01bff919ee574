/** Why a text is no line of CSV, and at which character. */
export interface CsvFault {
  readonly problem: string;
  readonly at: number;
}

/**
 * The fields of one line of comma-separated values (RFC 4180), as Go's encoding/csv reads them: a field may stand in double
 * quotes, where a doubled quote is one.
 */
export function csvFields(text: string): readonly string[] | CsvFault {
  const fields: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const quoted = /^"((?:[^"]|"")*)"(?=,|$)/.exec(text.slice(at));
    const plain = quoted ?? /^[^,]*/.exec(text.slice(at));
    const whole = plain?.[0] ?? '';
    if (quoted === null && whole.includes('"')) {
      const problem = whole.startsWith('"') ? 'extraneous or missing " in quoted-field' : 'bare " in non-quoted field';
      return { problem, at: at + whole.indexOf('"') };
    }
    fields.push(quoted === null ? whole : (quoted[1] ?? '').replaceAll('""', '"'));
    at += whole.length + 1;
  }
  return fields;
}
