/**
 * Files and folders by the command line program, against `cp` and the tools that people use today, whole processes
 * in turn. A tool that is not installed is left out.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from './harness.ts';
import { compare, has, run, STRONGROOM, type Job } from './processes.ts';

const MIB = 2 ** 20;
const PASSWORD = { BORG_PASSPHRASE: 'bench', RESTIC_PASSWORD: 'bench' };

/** A file of random bytes, which nothing can compress. */
function randomFile(path: string, mebibytes: number): void {
  const fd = openSync(path, 'w');
  for (let left = mebibytes; left > 0; left--) writeSync(fd, randomBytes(MIB));
  closeSync(fd);
}

/** A folder for the benchmark and what every job needs. */
class Bed {
  readonly folder = mkdtempSync(join(tmpdir(), 'strongroom-bench-'));
  readonly key = this.at('backup.key');
  readonly source = this.at('source');

  constructor() {
    mkdirSync(this.source);
    writeFileSync(this.key, randomBytes(32).toString('hex'), { mode: 0o600 });
  }

  at(...names: string[]): string {
    return join(this.folder, ...names);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  strongroom(name: string, command: readonly string[], output: string, threads?: number): Job {
    const env = threads === undefined ? {} : { STRONGROOM_THREADS: String(threads) };
    return { name, command: [...STRONGROOM, ...command, '--key-file', this.key], output, env };
  }
}

/** One large file sealed and opened, file to file. */
export function singleFile(mebibytes: number, rounds: number): Row[] {
  const bed = new Bed();
  try {
    const input = join(bed.source, 'file');
    randomFile(input, mebibytes);
    const out = bed.at('out', 'file');
    const sealed = bed.at('file.sbo');
    const seal = ['seal', '--input', input, '--output', out];
    const open = ['open', '--input', sealed, '--output', out];
    run(bed.strongroom('seal', ['seal', '--input', input, '--output', sealed], sealed));
    const sealing: Job[] = [
      { name: 'cp', command: ['cp', input, out], output: out },
      bed.strongroom('strongroom seal', seal, out),
      bed.strongroom('strongroom seal, one thread', seal, out, 1),
    ];
    const opening: Job[] = [
      { name: 'cp', command: ['cp', input, out], output: out },
      bed.strongroom('strongroom open', open, out),
      bed.strongroom('strongroom open, one thread', open, out, 1),
    ];
    if (has('age')) {
      const identity = bed.at('age.key');
      run({ name: 'age-keygen', command: ['age-keygen', '-o', identity], output: identity });
      const recipient = `$(age-keygen -y ${identity})`;
      const encrypted = bed.at('file.age');
      const age = (to: string): string[] => ['sh', '-c', `exec age -r ${recipient} -o ${to} ${input}`];
      run({ name: 'age', command: age(encrypted), output: encrypted });
      sealing.push({ name: 'age', command: age(out), output: out });
      opening.push({
        name: 'age',
        command: ['age', '-d', '-i', identity, '-o', out, encrypted],
        output: out,
      });
    }
    return [
      ...compare(`${mebibytes} MiB sealed, file to file`, sealing, rounds, 'wall'),
      ...compare(`${mebibytes} MiB opened, file to file`, opening, rounds, 'wall'),
    ];
  } finally {
    bed.remove();
  }
}

/** A new backup of a folder by other tools, uncompressed. */
function others(bed: Bed): Job[] {
  const jobs: Job[] = [];
  const to = (name: string): string => bed.at('out', name);
  if (has('7z')) {
    const output = to('archive.7z');
    const command = ['7z', 'a', '-bd', '-mx0', '-mhe', '-pbench', output, bed.source];
    jobs.push({ name: '7z, store, encrypted', command, output });
  }
  if (has('gpg')) {
    const output = to('archive.gpg');
    const options = '--batch --yes --pinentry-mode loopback --passphrase bench --compress-algo none';
    const command = ['sh', '-c', `tar c ${bed.source} | gpg ${options} -c -o ${output}`];
    jobs.push({ name: 'tar and gpg', command, output, env: { GNUPGHOME: bed.at('gnupg') } });
    mkdirSync(bed.at('gnupg'), { mode: 0o700 });
  }
  if (has('borg')) {
    const output = to('borg');
    const env = { ...PASSWORD, BORG_BASE_DIR: bed.at('borg-base') };
    jobs.push({
      name: 'borg',
      before: ['borg', 'init', '-e', 'repokey', output],
      command: ['borg', 'create', '-C', 'none', `${output}::a`, bed.source],
      output,
      env,
    });
  }
  if (has('restic')) {
    const output = to('restic');
    const options = ['-r', output, '--no-cache', '-q'];
    jobs.push({
      name: 'restic',
      before: ['restic', 'init', ...options],
      command: ['restic', 'backup', ...options, bed.source],
      output,
      env: PASSWORD,
    });
  }
  return jobs;
}

/** Processor time of a whole backup of large files. */
export function largeFiles(mebibytes: number, rounds: number): Row[] {
  const bed = new Bed();
  try {
    for (let i = 0; i < 4; i++) randomFile(join(bed.source, `file-${i}`), mebibytes / 4);
    const output = bed.at('out', 'storage');
    const ours = bed.strongroom('strongroom backup', ['backup', bed.source, '--to', output], output);
    return compare(`backup of 4 files, ${mebibytes} MiB in all`, [ours, ...others(bed)], rounds, 'cpu');
  } finally {
    bed.remove();
  }
}

/** Ten thousand small files. */
export function smallFiles(files: number, rounds: number): Row[] {
  const bed = new Bed();
  try {
    for (let i = 0; i < files; i++) {
      const folder = join(bed.source, `folder-${Math.floor(i / 100)}`);
      if (i % 100 === 0) mkdirSync(folder);
      writeFileSync(join(folder, `file-${i}`), randomBytes(4096));
    }
    const output = bed.at('out', 'storage');
    const copy = bed.at('out', 'copy');
    const jobs = [
      { name: 'cp -r', command: ['cp', '-r', bed.source, copy], output: copy },
      bed.strongroom('strongroom backup', ['backup', bed.source, '--to', output], output),
      ...others(bed).filter(({ name }) => name === 'borg' || name === 'restic'),
    ];
    return compare(`backup of ${files} files of 4 KiB`, jobs, rounds, 'wall');
  } finally {
    bed.remove();
  }
}

/** A backup of a folder of which one part in a hundred has changed, against a scan and a backup of the change alone. */
export function incremental(mebibytes: number, rounds: number): Row[] {
  const bed = new Bed();
  try {
    const files = 1000;
    const size = Math.max(1, Math.floor(mebibytes / files));
    const paths = Array.from({ length: files }, (_, i) => join(bed.source, `file-${i}`));
    for (const path of paths) randomFile(path, size);
    const changed = bed.at('changed');
    mkdirSync(changed);
    const output = bed.at('out', 'storage');
    const kept = bed.at('kept');
    // Times in the past, as those of files at rest are: what changed a moment ago is read again.
    for (const path of paths) utimesSync(path, 1_700_000_000, 1_700_000_000);
    run({ name: 'rest', command: ['sleep', '3'], output });
    run(bed.strongroom('first backup', ['backup', bed.source, '--to', kept], kept));
    for (const path of paths.slice(0, files / 100)) randomFile(path, size);
    for (let i = 0; i < files / 100; i++) randomFile(join(changed, `file-${i}`), size);
    const link = ['sh', '-c', `mkdir -p ${bed.at('out')} && cp -al ${kept} ${output}`];
    const jobs = [
      bed.strongroom('strongroom backup of the change alone', ['backup', changed, '--to', output], output),
      {
        ...bed.strongroom('strongroom backup, 1 % changed', ['backup', bed.source, '--to', output], output),
        before: link,
      },
      { name: 'find -ls', command: ['sh', '-c', `find ${bed.source} -ls > /dev/null`], output },
    ];
    return compare(`1 % of ${mebibytes} MiB changed`, jobs, rounds, 'wall');
  } finally {
    bed.remove();
  }
}
