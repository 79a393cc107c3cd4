/**
 * Vaults that mix up proofs, parameters, nonces and keys; and adapters that answer what they do not know.
 *
 * @module
 */
import type { Mutant } from './mutant.ts';

const VAULT_PROCESS = 'conformance/adapters/vault-process.ts';

/** Mutants of the vault's core, of how it starts, and of adapters. */
export const vaultRuleMutants: readonly Mutant[] = [
  {
    id: 'proof-of-status',
    mistake: 'refuses a status with a proof that it did not ask for',
    file: 'reference/vault/core/status.ts',
    find: '  decode(Status, request.body);\n',
    replace:
      "  decode(Status, request.body);\n  if (request.proof.kind !== 'none') return say('not-authorised');\n",
    requirement: 'XCH-5',
    cases: ['vault.proof-ignored'],
    class: 'rejected-valid',
  },
  {
    id: 'stretch-of-the-policy',
    mistake: 'keeps the stretching of the policy in the place of what was registered',
    file: 'reference/vault/core/register.ts',
    find: "return { ...pending, ...values, state: 'finished', recordHash, budget };",
    replace:
      "return { ...pending, ...values, stretch: policy.stretch, state: 'finished', recordHash, budget };",
    requirement: 'OPQ-13',
    cases: ['vault.stretch-returned'],
    class: 'wrong-output',
  },
  {
    id: 'nonces-of-the-account',
    mistake: 'derives the nonces of KE2 from the account alone',
    file: 'reference/vault/core/evaluate.ts',
    find: '  const { generation, seed, ke1Hash } = attempt;\n',
    replace:
      '  const { generation } = attempt;\n  const [seed, ke1Hash] = [new Uint8Array(32), new Uint8Array(32)];\n',
    requirement: 'OPQ-25',
    cases: ['vault.fresh-ke2'],
    class: 'not-fresh',
  },
  {
    id: 'new-keys-for-lost-ones',
    mistake: 'makes a new vault where the anchor is gone',
    file: VAULT_PROCESS,
    find: 'if (!existsSync(join(folder, CONFIG_FILE))) {',
    replace:
      "if (!existsSync(join(folder, 'hsm.anchor'))) {\n  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });",
    also: [
      {
        file: VAULT_PROCESS,
        find: "import { existsSync, readFileSync } from 'node:fs';",
        replace: "import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';",
      },
    ],
    requirement: 'STO-3',
    cases: ['vault.file-missing'],
    class: 'state',
  },
  {
    id: 'unknown-operation-answered',
    mistake: 'answers ok to an operation that it does not know',
    file: 'conformance/adapters/serve.ts',
    find: "if (operation === undefined) return { outcome: 'unsupported', feature: op };",
    replace: "if (operation === undefined) return { outcome: 'ok', result: {} };",
    requirement: 'CFM-7',
    cases: ['probe.unknown-operation.container-reader'],
    class: 'accepted-invalid',
  },
  {
    id: 'charge-touches-more',
    mistake: 'writes the time of a charge into a field of the report that was shown',
    file: 'reference/vault/core/attempts.ts',
    find: '    open: [...record.open, opened].slice(-ATTEMPTS),\n',
    replace: '    open: [...record.open, opened].slice(-ATTEMPTS),\n    shownAt: now,\n',
    requirement: 'ATT-6',
    cases: ['transcripts.recover.02-recover-start'],
    class: 'wrong-output',
  },
  {
    id: 'report-on-refusal-alone',
    mistake: 'states the report only in answers that are not ok',
    file: 'reference/vault/core/handle.ts',
    find: '    report: record.report,\n',
    replace: "    report: outcome === 'ok' ? { serial: 0, failed: 0, first: 0, last: 0 } : record.report,\n",
    requirement: 'ATT-21',
    cases: ['transcripts.report.01-recover-finish', 'vault.report'],
    class: 'wrong-output',
  },
  {
    id: 'proved-attempt-stays-open',
    mistake: 'keeps the seed of an attempt that was proved',
    file: 'reference/vault/core/attempts.ts',
    find: '      .filter((open) => open !== attempt)\n',
    replace: '',
    requirement: 'RCV-7',
    cases: ['transcripts.recover.05-recover-finish', 'transcripts.recover.08-recover-finish'],
    class: 'wrong-output',
  },
  {
    id: 'change-without-the-proof',
    mistake: 'brings a changed password to life without noting the proof',
    file: 'reference/vault/core/change.ts',
    find: "return say('ok', ok, goLive(fleet.policy, refunded, next, 'password', now));",
    replace: "void refunded;\n  return say('ok', ok, goLive(fleet.policy, record, next, 'password', now));",
    requirement: 'CHG-3',
    cases: ['transcripts.change.03-change-finish'],
    class: 'wrong-output',
  },
  {
    id: 'generation-again',
    mistake: 'gives the number of a generation to the next one too',
    file: 'reference/vault/core/register.ts',
    find: 'nextGeneration: record.nextGeneration + 1,',
    replace: 'nextGeneration: record.nextGeneration,',
    requirement: 'REG-5',
    cases: ['transcripts.register.02-register-start', 'transcripts.register.13-register-start'],
    class: 'wrong-output',
  },
  {
    id: 'status-counts',
    mistake: 'advances the state version for a status',
    file: 'reference/vault/core/status.ts',
    find: "  return say('ok', encode(StatusBody, body));",
    replace: "  return say('ok', encode(StatusBody, body), record);",
    also: [
      {
        file: 'reference/vault/core/status.ts',
        find: '{ active, pending, scheduled, open }) {\n',
        replace: 'record) {\n  const { active, pending, scheduled, open } = record;\n',
      },
    ],
    requirement: 'STA-1',
    cases: ['transcripts.register.01-status', 'vault.state-version'],
    class: 'wrong-output',
  },
  {
    id: 'tombstone-with-seed',
    mistake: 'keeps the nonce of the OPRF seed in a tombstone',
    file: 'reference/vault/record.ts',
    find: '  const active = { ...EMPTY_SLOT, state, generation, budget, charged, recordHash, ownerKey, deadline: now };',
    replace:
      '  const { nonce } = record.active;\n  const active = { ...EMPTY_SLOT, nonce, state, generation, budget, charged, recordHash, ownerKey, deadline: now };',
    requirement: 'ATT-20',
    cases: ['transcripts.destroy.04-recover-finish', 'transcripts.delete.10-delete'],
    class: 'wrong-output',
  },
];
