import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';
import { memoryKeeper, register } from './client/index.ts';
import { BackupKey, seal, Sealer, sealStream } from './container/index.ts';
import type { RandomSource } from './crypto/random.ts';
import { DEFAULT_POLICY } from './fleet/index.ts';
import { generateServerKeyPair, nobleSuite, startLogin, startRegistration } from './opaque/index.ts';
import * as testing from './testing.ts';
import { hex } from './wire/bytes.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
  exports: Record<string, { default: string } | string>;
};

/** Source files of the published entry points, by the name under which they are imported. */
const ENTRIES = Object.entries(exports).flatMap(([name, target]) => {
  const file = typeof target === 'string' ? target : target.default;
  return file.endsWith('.js')
    ? [[name, file.replace('./dist/', ROOT).replace(/\.js$/u, '.ts')] as const]
    : [];
});
const PRODUCTION = ENTRIES.filter(([name]) => name !== './testing');

/** Everything reachable from the exports of a module that takes a source of randomness as an argument. */
class Probe {
  readonly found: string[] = [];
  readonly #checker: ts.TypeChecker;
  readonly #source: ts.Type;
  readonly #seen = new Set<ts.Type>();

  constructor(program: ts.Program) {
    this.#checker = program.getTypeChecker();
    const module = program.getSourceFile(`${ROOT}reference/crypto/random.ts`);
    const symbol =
      module &&
      this.#checker.getSymbolAtLocation(module)?.exports?.get(ts.escapeLeadingUnderscores('RandomSource'));
    if (symbol === undefined) throw new Error('there is no RandomSource');
    this.#source = this.#checker.getDeclaredTypeOfSymbol(symbol);
  }

  module(file: ts.SourceFile): void {
    const symbol = this.#checker.getSymbolAtLocation(file);
    if (symbol === undefined) throw new Error(`${file.fileName} exports nothing`);
    for (const each of this.#checker.getExportsOfModule(symbol)) {
      const target = each.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(each) : each;
      if (target.flags & ts.SymbolFlags.Value)
        this.#callable(this.#checker.getTypeOfSymbol(target), each.name, file);
    }
  }

  /** A value: what it can be called with, and what of its members can be. */
  #callable(type: ts.Type, path: string, at: ts.Node): void {
    if (this.#seen.has(type)) return;
    this.#seen.add(type);
    const signatures = [...type.getCallSignatures(), ...type.getConstructSignatures()];
    for (const signature of signatures) {
      for (const parameter of signature.parameters) {
        this.#argument(
          this.#checker.getTypeOfSymbolAtLocation(parameter, at),
          `${path}(${parameter.name})`,
          at,
        );
      }
      this.#callable(signature.getReturnType(), `${path}()`, at);
    }
    if (path.split('.').length > 4) return;
    for (const member of type.getProperties()) {
      if (!this.#isOurs(member)) continue;
      this.#callable(this.#checker.getTypeOfSymbolAtLocation(member, at), `${path}.${member.name}`, at);
    }
  }

  /** An argument: a source of randomness itself, or an object that holds one. */
  #argument(type: ts.Type, path: string, at: ts.Node): void {
    const parts = type.isUnionOrIntersection() ? type.types : [type];
    for (const part of parts) {
      if (this.#isSource(part)) this.found.push(path);
      if (part.isClass() || path.split('.').length > 3) continue;
      for (const member of part.getProperties()) {
        if (!this.#isOurs(member)) continue;
        this.#argument(this.#checker.getTypeOfSymbolAtLocation(member, at), `${path}.${member.name}`, at);
      }
    }
  }

  #isSource(type: ts.Type): boolean {
    return type === this.#source || type.aliasSymbol?.name === 'RandomSource';
  }

  #isOurs(symbol: ts.Symbol): boolean {
    return (
      symbol.declarations?.some((each) => each.getSourceFile().fileName.startsWith(`${ROOT}reference/`)) ===
      true
    );
  }
}

describe('by their types', () => {
  let program: ts.Program;
  beforeAll(() => {
    const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, (path) => ts.sys.readFile(path)) as {
      config: { compilerOptions: object };
    };
    const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
    program = ts.createProgram(
      ENTRIES.map(([, file]) => file),
      { ...options, noEmit: true, skipLibCheck: true },
    );
  });

  function found(file: string): string[] {
    const probe = new Probe(program);
    const source = program.getSourceFile(file);
    if (source === undefined) throw new Error(`no ${file}`);
    probe.module(source);
    return probe.found;
  }

  test.each(PRODUCTION)('%s takes no source of randomness', (_name, file) => {
    expect(found(file)).toEqual([]);
  });

  test('./testing does, in every function whose name says so', () => {
    const paths = found(`${ROOT}reference/testing.ts`);
    const names = Object.keys(testing).filter((name) => name.endsWith('With'));
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) expect(paths.some((path) => path.startsWith(`${name}(`))).toBe(true);
  });
});

test.each(PRODUCTION)('%s exports nothing of ./testing', async (_name, file) => {
  const names = Object.keys((await import(file)) as object);
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => Object.hasOwn(testing, name) || name.endsWith('With'))).toEqual([]);
});

/** A source that a caller might try to slip in: under every name, as an option and as one more argument. */
const constant: RandomSource = (_name, length) => new Uint8Array(length).fill(1);
const smuggled = {
  random: constant,
  rng: constant,
  salt: constant('', 32),
  blind: constant('', 32),
  seed: constant('', 32),
};
type Loose = (...args: unknown[]) => unknown;

describe('when they are called with one all the same', () => {
  const key = BackupKey.fromBytes(new Uint8Array(32));
  const content = new Uint8Array(10);
  const password = new Uint8Array(8);
  const generate: Loose = BackupKey.generate.bind(BackupKey);
  const sealing = { key, type: 'blob', ...smuggled } as const;

  test.each<[string, () => Uint8Array]>([
    ['seal', () => (seal as Loose)(content, sealing, constant) as Uint8Array],
    ['Sealer', () => Reflect.construct(Sealer, [sealing, constant]).commitment],
    ['sealStream', () => ((sealStream as Loose)(sealing, constant) as { commitment: Uint8Array }).commitment],
    ['BackupKey.generate', () => (generate(constant) as BackupKey).bytes()],
    [
      'startRegistration',
      () => ((startRegistration as Loose)(nobleSuite, password, constant) as { request: Uint8Array }).request,
    ],
    ['startLogin', () => ((startLogin as Loose)(nobleSuite, password, constant) as { ke1: Uint8Array }).ke1],
    [
      'generateServerKeyPair',
      () => ((generateServerKeyPair as Loose)(nobleSuite, constant) as { publicKey: Uint8Array }).publicKey,
    ],
  ])('%s makes something else each time', (_name, make) => {
    expect(hex(make())).not.toBe(hex(make()));
  });

  test('register takes no object that only looks like a session', async () => {
    const keeper = memoryKeeper();
    const descriptor = { fleetId: new Uint8Array(16), policy: DEFAULT_POLICY };
    const fake = { keeper, account: content, descriptor, ...smuggled };
    const registered = (register as Loose)(fake, { key, password: 'p', ...smuggled });
    await expect(registered).rejects.toThrow(new TypeError('not a session of connect()'));
  });
});
