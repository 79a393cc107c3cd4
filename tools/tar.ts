/**
 * Tar files (POSIX.1-1988 ustar) whose bytes depend on names and contents alone: no time, owner or compression of the
 * machine that makes them.
 *
 * @module
 */

/** Bytes of a block; headers are one, contents end on one. */
const BLOCK = 512;
/** Seconds: 1985-10-26T08:15:00Z, as npm has it. A time of 0 makes some programs complain. */
const TIME = 499_162_500;

function header(name: string, length: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const bytes = Buffer.from(name);
  if (bytes.length > 100) throw new Error(`${name} is too long for the header of a tar file`);
  bytes.copy(block, 0);
  const octal = (value: number, at: number, size: number): void =>
    void block.write(`${value.toString(8).padStart(size - 1, '0')}\0`, at);
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(length, 124, 12);
  octal(TIME, 136, 12);
  block.write(' '.repeat(8), 148);
  block.write('0ustar\x0000', 156);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return block;
}

/** A tar file of these files, in the order of their names. */
export function tar(files: ReadonlyMap<string, Uint8Array>): Buffer {
  const names = [...files.keys()].sort();
  const parts = names.flatMap((name) => {
    const content = files.get(name) ?? new Uint8Array(0);
    return [header(name, content.length), content, Buffer.alloc(-content.length & (BLOCK - 1))];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}
