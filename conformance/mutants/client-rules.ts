/**
 * Clients that forget, or that send before they have looked.
 *
 * @module
 */
import type { Mutant } from './mutant.ts';

const VERIFY = 'reference/fleet/verify.ts';
const STATE = 'reference/client/state.ts';
const SESSION = 'reference/client/session.ts';
const REGISTER = 'reference/client/register.ts';

/** Mutants of what a client keeps, and of what it refuses at once. */
export const clientRuleMutants: readonly Mutant[] = [
  {
    id: 'pins-any-threshold',
    mistake: 'takes any number for a threshold',
    file: VERIFY,
    find: 'if (!(k >= 1 && k <= signers.length)) {',
    replace: 'if (Number.isNaN(k)) {',
    requirement: 'CLI-3',
    cases: ['client.pins'],
    class: 'accepted-invalid',
  },
  {
    id: 'pins-signer-twice',
    mistake: 'counts a signer twice that is pinned twice',
    file: VERIFY,
    find: 'if (known.size !== signers.length) {',
    replace: 'if (known.size > signers.length) {',
    requirement: 'CLI-3',
    cases: ['client.pins'],
    class: 'wrong-error',
  },
  {
    id: 'password-prepared-late',
    mistake: 'prepares the password of a registration after the vault has begun it',
    file: REGISTER,
    find: '  const password = preparePassword(options.password);\n  const suite = await sodiumSuite();\n',
    replace:
      "  await session.ask('register-start', RegisterStart, { registrationRequest: startRegistrationWith(randomOf(session), await sodiumSuite(), new Uint8Array(1)).request }, { signal });\n  const password = preparePassword(options.password);\n  const suite = await sodiumSuite();\n",
    requirement: 'CLI-34',
    cases: ['client.password-unprepared'],
    class: 'state',
  },
  {
    id: 'registers-cheaply',
    mistake: 'stretches as little as the fleet says',
    file: REGISTER,
    find: '  checkStretch(session.descriptor.policy.stretch, options.stretchBounds);\n',
    replace: '',
    requirement: 'CLI-32',
    cases: ['client.register-stretch'],
    class: 'accepted-invalid',
  },
  {
    id: 'finish-unread',
    mistake: 'takes an ok to register-finish without reading what it holds',
    file: REGISTER,
    find: '    checkHash(bodyOf(Registered, answer), recordHash);\n    entry = ',
    replace:
      '    if (answer.body.length > 0) checkHash(bodyOf(Registered, answer), recordHash);\n    entry = ',
    also: [
      {
        file: SESSION,
        find: "if (statement.outcome === 'ok') bodyOf(",
        replace: "if (statement.outcome === 'ok' && command !== 'register-finish') bodyOf(",
      },
    ],
    requirement: 'CLI-21',
    cases: ['client.register-finish-empty'],
    class: 'accepted-invalid',
  },
  {
    id: 'body-filled-up',
    mistake: 'fills a body that is too short with zeros',
    file: 'reference/client/outcome.ts',
    find: '    return decode(codec, statement.body);\n  } catch (cause) {',
    replace:
      '    try {\n      return decode(codec, statement.body);\n    } catch {\n      return decode(codec, Uint8Array.from([...statement.body, 0]));\n    }\n  } catch (cause) {',
    requirement: 'CLI-21',
    cases: ['client.recover-start-short', 'client.register-start-short'],
    class: 'wrong-error',
  },
  {
    id: 'attempts-counted-alone',
    mistake: 'tells the whole budget as the attempts that are left',
    file: 'reference/client/status.ts',
    find: '    budget,\n    remaining,\n    retryAfter,\n    report,\n    erasedIn',
    replace:
      '    budget,\n    remaining: Math.max(remaining, budget - 1),\n    retryAfter,\n    report,\n    erasedIn',
    requirement: 'CLI-24',
    cases: ['client.attempts-left'],
    class: 'wrong-output',
  },
  {
    id: 'forgery-remembered',
    mistake: 'remembers that there was a newer answer, although it could not be verified',
    file: SESSION,
    find: '    const statement = this.#verify(openAnswer(sealed.context, bytes), sealed.context.requestHash);\n',
    replace:
      '    let statement: Statement;\n    try {\n      statement = this.#verify(openAnswer(sealed.context, bytes), sealed.context.requestHash);\n    } catch (error) {\n      await this.state.saw(this.account, { version: 1_000_000 });\n      throw error;\n    }\n',
    requirement: 'CLI-20',
    cases: ['client.bad-answer-forgotten'],
    class: 'rejected-valid',
  },
  {
    id: 'status-of-http',
    mistake: 'takes an HTTP status for what the vault says',
    file: 'reference/client/transport.ts',
    find: '        throw new RangeError(statusText(response, token));\n      }',
    replace:
      "        if (response.status === 404) throw new StrongroomError('not-registered', 'the address says so');\n        throw new RangeError(statusText(response, token));\n      }",
    also: [
      {
        file: 'reference/client/transport.ts',
        find: "      throw new StrongroomError('unavailable', `${base.origin}",
        replace:
          "      if (error instanceof StrongroomError) throw error;\n      throw new StrongroomError('unavailable', `${base.origin}",
      },
    ],
    requirement: 'HTP-4',
    cases: ['client.http-statuses'],
    class: 'wrong-error',
  },
  {
    id: 'begins-again',
    mistake: 'begins another registration over one that was cut off',
    file: REGISTER,
    find: "if (earlier !== undefined && !(earlier.step === 'begun' && equal(earlier.key, key))) throw unfinished();",
    replace: "if (earlier?.step === 'changing') throw unfinished();",
    requirement: 'CLI-28',
    cases: ['client.finish-lost'],
    class: 'wrong-error',
  },
  {
    id: 'conflict-ends-it',
    mistake: 'gives a registration up that the vault answers with conflict',
    file: REGISTER,
    find: '    checkHash(bodyOf(Registered, answer), recordHash);\n    entry = ',
    replace:
      "    if (answer.outcome === 'conflict') await journal.erase();\n    checkHash(bodyOf(Registered, answer), recordHash);\n    entry = ",
    requirement: 'CLI-31',
    cases: ['client.finish-conflict'],
    class: 'wrong-error',
  },
  {
    id: 'state-damaged-ignored',
    mistake: 'goes on as if nothing were there where its state cannot be read, and stumbles over it later',
    file: STATE,
    find: '    return text === undefined ? this.#file : parseState(StateFile, this.#name, text);',
    replace:
      '    try {\n      return text === undefined ? this.#file : parseState(StateFile, this.#name, text);\n    } catch {\n      return NOTHING;\n    }',
    requirement: 'CLI-7',
    cases: ['client.state-damaged'],
    class: 'crash',
  },
  {
    id: 'descriptor-forgotten',
    mistake: 'keeps what it knows of the fleet in memory alone',
    file: STATE,
    find: '      return next === known ? undefined : JSON.stringify(next);',
    replace: '      return undefined;',
    requirement: 'CLI-6',
    cases: ['client.fleet-restart'],
    class: 'accepted-invalid',
  },
  {
    id: 'level-forgotten',
    mistake: 'does not compare the level of descriptors',
    file: VERIFY,
    find: 'LEVELS.indexOf(descriptor.level) < LEVELS.indexOf(trust.lastLevel)',
    replace: 'LEVELS.indexOf(descriptor.level) < 0',
    requirement: 'FLT-15',
    cases: ['client.fleet-level'],
    class: 'accepted-invalid',
  },
  {
    id: 'serial-of-a-forgery',
    mistake: 'remembers the serial of a descriptor before it has looked at its times',
    file: 'reference/client/fleet.ts',
    find: '    throw withClock(error, bytes, now);',
    replace:
      "    if (error instanceof StrongroomError && error.code === 'descriptor-expired')\n      await state.sawDescriptor(1000, new Uint8Array(32), 'software');\n    throw withClock(error, bytes, now);",
    requirement: 'FLT-8',
    cases: ['client.fleet-kept'],
    class: 'rejected-valid',
  },
  {
    id: 'keys-retired-used',
    mistake: 'registers under keys that are for old registrations alone',
    file: 'reference/fleet/keys.ts',
    find: 'if (now > key.notAfterNew) {',
    replace: 'if (now < 0) {',
    requirement: 'FLT-14',
    cases: ['client.keys-of-the-past'],
    class: 'accepted-invalid',
  },
  {
    id: 'confirms-unfinished',
    mistake: 'sends register-confirm although register-finish was refused',
    file: REGISTER,
    find: '    checkHash(bodyOf(Registered, answer), recordHash);\n    entry = ',
    replace:
      "    if (answer.outcome !== 'conflict') checkHash(bodyOf(Registered, answer), recordHash);\n    entry = ",
    requirement: 'CLI-27',
    cases: ['client.finish-conflict'],
    class: 'accepted-invalid',
  },
  {
    id: 'context-again',
    mistake: 'seals every request of a process under one encapsulated key',
    file: SESSION,
    find: 'sealRequestWith(randomOf(this), channelKey',
    replace: 'sealRequestWith((_name, length) => new Uint8Array(length).fill(7), channelKey',
    requirement: 'CHN-4',
    cases: ['client.fresh'],
    class: 'not-fresh',
  },
  {
    id: 'terminal-unverified',
    mistake: 'takes the loss of the key from an answer that is not verified',
    file: SESSION,
    find: "      throw bad('the answer is not signed by this fleet');",
    replace:
      "      if (statement.outcome === 'destroyed') return statement;\n      throw bad('the answer is not signed by this fleet');",
    requirement: 'CLI-22',
    cases: ['client.bad-signature'],
    class: 'wrong-error',
  },
];
