import { deflateRawSync, deflateSync } from 'node:zlib';

/** An SQLite database as rpm's: the table Packages with one header, on two pages. */
export function rpmSeed(): Uint8Array {
  const size = 512;
  const file = Buffer.alloc(2 * size);
  file.write('SQLite format 3\0', 0, 'latin1');
  file.writeUInt16BE(size, 16);
  file.writeUInt32BE(1, 56);
  const schema = Buffer.concat([Buffer.from([6, 23, 29, 29, 1, 13]), Buffer.from('tablePackagesPackages\x02')]);
  putCell(file, 100, 0, schema);
  const header = rpmHeader({ 1000: 'bash', 1001: '5.2', 1002: '1.fc40', 1022: 'x86_64' });
  const serial = 12 + 2 * header.length;
  putCell(file, size, size, Buffer.concat([Buffer.from([4, 0, 0x80 | (serial >> 7), serial & 0x7f]), header]));
  return file;
}

/** A leaf of a table with one row. `at` is where the page's header is, `start` where the page is. */
function putCell(file: Buffer, at: number, start: number, row: Buffer): void {
  const size = row.length < 0x80 ? [row.length] : [0x80 | (row.length >> 7), row.length & 0x7f];
  const cell = Buffer.concat([Buffer.from([...size, 1]), row]);
  const place = 512 - cell.length;
  file[at] = 13;
  file.writeUInt16BE(1, at + 3);
  file.writeUInt16BE(place, at + 8);
  cell.copy(file, start + place);
}

/** A header of rpm with these texts by their tags. */
function rpmHeader(texts: Readonly<Record<number, string>>): Buffer {
  const tags = Object.entries(texts);
  let data = '';
  const entries = tags.map(([tag, text]) => {
    const entry = Buffer.alloc(16);
    entry.writeUInt32BE(Number(tag), 0);
    entry.writeUInt32BE(6, 4);
    entry.writeUInt32BE(data.length, 8);
    entry.writeUInt32BE(1, 12);
    data += `${text}\0`;
    return entry;
  });
  const head = Buffer.alloc(8);
  head.writeUInt32BE(tags.length, 0);
  head.writeUInt32BE(data.length, 4);
  return Buffer.concat([head, ...entries, Buffer.from(data)]);
}

/** A zip archive of members that all have this content. */
export function zipOf(names: readonly string[], content: Buffer): Buffer {
  const packed = deflateRawSync(content);
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50);
  const entries = names.map((name) => {
    const entry = Buffer.alloc(46 + Buffer.byteLength(name));
    entry.writeUInt32LE(0x02014b50);
    entry.writeUInt16LE(8, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(content.length, 24);
    entry.writeUInt16LE(Buffer.byteLength(name), 28);
    entry.write(name, 46);
    return entry;
  });
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(local.length + packed.length, 16);
  return Buffer.concat([local, packed, directory, end]);
}

/** An ELF file with sections of these names. */
export function elfOf(sections: Readonly<Record<string, Buffer>>): Buffer {
  const names = Buffer.from(`\0${Object.keys(sections).join('\0')}\0.shstrtab\0`);
  const parts = [...Object.values(sections), names];
  const start = 64 + parts.reduce((sum, part) => sum + part.length, 0);
  const headers = Buffer.alloc(64 * (parts.length + 1));
  let at = 64;
  [...Object.keys(sections), '.shstrtab'].forEach((name, i) => {
    const header = headers.subarray(64 * (i + 1));
    header.writeUInt32LE(names.indexOf(`\0${name}\0`) + 1, 0);
    header.writeUInt32LE(1, 4);
    header.writeBigUInt64LE(BigInt(at), 0x18);
    header.writeBigUInt64LE(BigInt(parts[i]?.length ?? 0), 0x20);
    at += parts[i]?.length ?? 0;
  });
  const head = Buffer.alloc(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeBigUInt64LE(BigInt(start), 0x28);
  head.writeUInt16LE(64, 0x3a);
  head.writeUInt16LE(parts.length + 1, 0x3c);
  head.writeUInt16LE(parts.length, 0x3e);
  return Buffer.concat([head, ...parts, headers]);
}

/** Go's build information as its linker writes it since 1.18. */
export function goBuildinfo(version: string, modules: string): Buffer {
  const text = (value: Buffer): Buffer => {
    const size: number[] = [];
    for (let rest = value.length; ; rest >>>= 7) {
      size.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
      if (rest <= 0x7f) break;
    }
    return Buffer.concat([Buffer.from(size), value]);
  };
  const head = Buffer.alloc(32);
  head.write('\xff Go buildinf:', 'latin1');
  head[14] = 8;
  head[15] = 2;
  const frame = Buffer.alloc(16, 0x30);
  return Buffer.concat([head, text(Buffer.from(version)), text(Buffer.concat([frame, Buffer.from(modules), frame]))]);
}

/** Programs that tell what they were made of. */
export function programSeeds(): readonly Uint8Array[] {
  const modules = 'path\ta.org/b\nmod\ta.org/b\tv1.0.0\th1:x\ndep\tc.org/d\tv0.1.0\tn\n=>\te.org/f\tv2.0.0\tn\n';
  const crates = JSON.stringify({ packages: [{ name: 'serde', version: '1.0.1' }] });
  return [
    elfOf({ '.go.buildinfo': goBuildinfo('go1.22.1', modules) }),
    elfOf({ '.dep-v0': deflateSync(crates) }),
    elfOf({ '.text': Buffer.from('x') }),
  ];
}
