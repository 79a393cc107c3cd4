import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../assets.ts';
import { cli } from '../commands/cli.fixture.ts';
import { loadVectors } from '../vectors.ts';

const root = mkdtempSync(join(tmpdir(), 'strongroom-recipe-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/**
 * A module for the recipe that asks the adapter of the reference, and lets `fault` change what becomes of it. Answers
 * are kept beside it with what was given out, so that the adapter is started once.
 */
function bridge(fault: string): string {
  const adapter = [process.execPath, join(packageRoot(), 'conformance/adapters/reference.ts')];
  return `
import atexit, json, pathlib, subprocess
kept = pathlib.Path(__file__).parent / "answers"
known = json.loads(kept.read_text()) if kept.exists() else {}
started = []

class Refused(Exception):
    def __init__(self, code):
        self.code = code

def adapter():
    if not started:
        started.append(subprocess.Popen(${JSON.stringify(adapter)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        atexit.register(lambda: kept.write_text(json.dumps(known)))
    return started[0]

def answered(op, params):
    name = json.dumps([op, {key: value for key, value in params.items() if key != "sink"}])
    if name not in known:
        process = adapter()
        process.stdin.write(json.dumps({"id": "1", "op": op, "params": params}) + "\\n")
        process.stdin.flush()
        sink = pathlib.Path(params.get("sink", "nowhere"))
        answer = json.loads(process.stdout.readline())
        known[name] = [answer, sink.read_bytes().hex() if sink.exists() else ""]
    elif "sink" in params:
        pathlib.Path(params["sink"]).write_bytes(bytes.fromhex(known[name][1]))
    return known[name][0]

def ask(op, params):
    answer = answered(op, params)
    if answer["outcome"] == "reject":
        raise Refused(answer["error"])
    return answer["result"]

def call(op, params):
    ${fault}
`;
}

/** A copy of the vectors of a role, of which only some families stay. */
async function copyOf(
  role: string,
  families: readonly string[],
): Promise<{ folder: string; ids: string[][] }> {
  const folder = mkdtempSync(join(root, `${role}-`));
  const { code, stdout } = await cli('copy', '--role', role, folder);
  expect([code, stdout]).toEqual([0, expect.stringContaining(`vectors of ${role} into ${folder}.`)]);
  const ids: string[][] = [[], []];
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    const path = join(folder, name);
    if (!families.includes(name.replace('.json', ''))) rmSync(path);
    else {
      const { vectors } = JSON.parse(readFileSync(path, 'utf8')) as {
        vectors: { id: string; expect: { outcome: string } }[];
      };
      for (const { id, expect } of vectors) ids[expect.outcome === 'ok' ? 0 : 1]?.push(id);
    }
  }
  return { folder, ids };
}

/** Runs the recipe, and returns the ids of the vectors that failed, or what else went wrong. */
function check(folder: string, module: string, python = 'python3'): string[] {
  writeFileSync(join(folder, 'mine.py'), module);
  const { status, stderr } = spawnSync(python, ['check.py', 'mine'], { cwd: folder, encoding: 'utf8' });
  const lines = stderr.split('\n').filter((line) => line !== '');
  expect(status).toBe(lines.length === 0 ? 0 : 1);
  return lines.map((line) => /^([a-z0-9.-]+): /u.exec(line)?.[1] ?? line).sort();
}

test('the recipe has at most 30 lines of code', () => {
  const text = readFileSync(join(packageRoot(), 'conformance/recipe/check.py'), 'utf8');
  const code = text.replace(/^"""[^]*?"""$/mu, '').split('\n');
  expect(code.filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(30);
});

describe('a copy', () => {
  test('has every vector of the role that is one request, with all bytes written out', async () => {
    const { folder } = await copyOf('container-reader', [
      'chunks',
      'header',
      'trailer',
      'keys',
      'extensions',
    ]);
    const copied = readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .flatMap(
        (name) =>
          (JSON.parse(readFileSync(join(folder, name), 'utf8')) as { vectors: { id: string }[] }).vectors,
      );
    const own = loadVectors().files.filter(({ family }) => existsSync(join(folder, `${family}.json`)));
    expect(copied.map(({ id }) => id).sort()).toEqual(
      own.flatMap(({ vectors }) => vectors.map(({ id }) => id)).sort(),
    );
    expect(JSON.stringify(copied)).not.toContain('"pieces"');
  });

  test('is written into an empty folder, for one role that has vectors', async () => {
    const folder = join(root, 'used');
    expect((await cli('copy', '--role', 'chat-writer', folder)).code).toBe(2);
    expect(existsSync(folder)).toBe(false);
    expect((await cli('copy', '--role', 'set-writer', folder)).code).toBe(0);
    const again = await cli('copy', '--role', 'set-writer', folder);
    expect([again.code, again.stderr]).toEqual([2, expect.stringMatching(/is not empty/u)]);
    for (const args of [
      [],
      ['--role', 'set-writer'],
      [join(root, 'x')],
      ['--role', 'nobody', join(root, 'x')],
    ])
      expect((await cli('copy', ...args)).code).toBe(2);
  });
});

const python = spawnSync('python3', ['--version']).status === 0;

describe.runIf(python)('the recipe', () => {
  test('passes what the reference answers, and finds every wrong answer', { timeout: 120_000 }, async () => {
    const { folder, ids } = await copyOf('container-reader', ['header', 'trailer']);
    const [accepted = [], refused = []] = ids;
    expect([accepted.length > 10, refused.length > 100]).toEqual([true, true]);
    expect(check(folder, bridge('return ask(op, params)'))).toEqual([]);
    const late = `
    try:
        return ask(op, params)
    except Refused as refused:
        `;
    const afterwards = `
    result = ask(op, params)
    `;
    for (const [fault, found] of [
      [`${late}raise Refused(refused.code + "-")`, refused],
      [`${late}raise KeyError(refused.code)`, refused],
      [`${late}return {"type": "blob", "contentLength": 0}`, refused],
      [`${late}open(params["sink"], "ab").write(b"x"); raise`, refused],
      [`${afterwards}raise Refused("wrong-key")`, accepted],
      [`${afterwards}open(params["sink"], "ab").write(b"x"); return result`, accepted],
      [`${afterwards}return {**result, "contentLength": -1}`, accepted],
      [`${afterwards}return {}`, accepted],
    ] as const)
      expect(check(folder, bridge(fault)), fault).toEqual([...found].sort());
  });

  test('looks at what was restored', { timeout: 120_000 }, async () => {
    const { folder, ids } = await copyOf('set-reader', ['restore']);
    const [accepted = [], refused = []] = ids;
    const { vectors } = loadVectors();
    const restores = (all: readonly string[]): string[] =>
      all.filter((id) => {
        const { op, expect } = vectors.get(id)?.vector ?? {};
        return op === 'set.restore' && expect?.outcome !== 'each' && expect?.tree !== undefined;
      });
    expect(check(folder, bridge('return ask(op, params)'))).toEqual([]);
    const stray = `
    try:
        return ask(op, params)
    finally:
        target = pathlib.Path(params.get("target", "."))
        if op == "set.restore":
            target.mkdir(exist_ok=True)
            (target / "stray").write_bytes(b"")`;
    expect(check(folder, bridge(stray))).toEqual(restores([...accepted, ...refused]).sort());
    const changed = `
    result = ask(op, params)
    for path in pathlib.Path(params.get("target", "nowhere")).rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.unlink()
    return result`;
    const withFiles = restores(accepted).filter((id) => {
      const { expect } = vectors.get(id)?.vector ?? {};
      const tree = expect === undefined || expect.outcome === 'each' ? {} : (expect.tree ?? {});
      return Object.values(tree).some(({ kind }) => kind === 'file');
    });
    expect(withFiles.length).toBeGreaterThan(5);
    expect(check(folder, bridge(changed))).toEqual(withFiles.sort());
    expect(check(folder, bridge(changed.replace('unlink()', 'write_bytes(b"other")')))).toEqual(withFiles);
  });
});

const own = join(packageRoot(), 'conformance/implementations/python');
const needed = 'import sys, cryptography, rbcl, regex; assert sys.version_info >= (3, 11)';
const interpreter = [join(own, '.venv/bin/python'), 'python3'].find(
  (program) => spawnSync(program, ['-c', needed]).status === 0,
);

test.runIf(interpreter)(
  'the implementation in Python passes by the recipe alone',
  { timeout: 120_000 },
  async () => {
    const families = ['header', 'extensions', 'trailer', 'chunks', 'keys'];
    const { folder } = await copyOf('container-reader', families);
    const module = `
import sys
sys.path.insert(0, ${JSON.stringify(own)})
from operations import OPERATIONS

def call(op, params):
    return OPERATIONS[op](params)
`;
    expect(check(folder, module, interpreter)).toEqual([]);
  },
);
