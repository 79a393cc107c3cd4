/**
 * OPAQUE, channel and fleet descriptor of the reference implementation, as operations of the adapter protocol.
 *
 * @module
 */
import {
  openAnswer,
  openRequest,
  softwareDecapsulate,
  type ChannelKey,
} from '../../reference/channel/index.ts';
import { p256Key } from '../../reference/crypto/p256-key.ts';
import { x25519 } from '../../reference/crypto/x25519.ts';
import { Answer, StatusBody } from '../../reference/exchange/answer.ts';
import { Exchange } from '../../reference/exchange/assertion.ts';
import { ChangeFinish, ChangeStart, ChangeStarted } from '../../reference/exchange/change.ts';
import { KeptHead, PutHead } from '../../reference/exchange/heads.ts';
import {
  Cancel,
  Delete,
  OwnerStatement,
  RecoverFinish,
  RegisterFinish,
  Request,
} from '../../reference/exchange/request.ts';
import { channelKey, keyId, verifyDescriptor } from '../../reference/fleet/index.ts';
import { BackupKey } from '../../reference/keys/backup-key.ts';
import { label } from '../../reference/keys/labels.ts';
import { ownerSign } from '../../reference/keys/owner-key.ts';
import {
  argon2idStretch,
  checkStretch,
  credentialIdentifier,
  finishLogin,
  nobleSuite,
  OPAQUE_RISTRETTO255,
  openBackupKey,
  opaqueContext,
  oprfSeed,
  preparePassword,
  sealBackupKey,
  serverKe2,
  serverRegistrationResponse,
  sodiumSuite,
  type StretchParams,
  type Suite,
} from '../../reference/opaque/index.ts';
import {
  finishRegistrationWith,
  openRequestWith,
  sealRequestWith,
  startLoginWith,
  startRegistrationWith,
} from '../../reference/testing.ts';
import { concat, fromUtf8, hex, type Bytes } from '../../reference/wire/bytes.ts';
import { decode, encode, type Codec } from '../../reference/wire/codec.ts';
import { Unsupported, type Operation, type Params } from './serve.ts';

const suite: Suite = process.argv.includes('--engine=noble') ? nobleSuite : await sodiumSuite();

/** Injected values, by the specification's names. */
function injected(params: Params): (name: string, length: number) => Bytes {
  const values = params.object('inject');
  return (name) => values.bytes(name);
}

function stretchParams(params: Params): StretchParams {
  const stretch = params.object('stretch');
  return {
    algorithm: stretch.number('algorithm'),
    iterations: stretch.number('iterations'),
    memoryKib: stretch.number('memoryKib'),
    parallelism: stretch.number('parallelism'),
  };
}

function context(params: Params): Bytes {
  return opaqueContext({
    suite: OPAQUE_RISTRETTO255,
    oprfKeyId: params.bytes('oprfKeyId'),
    opaqueKeyId: params.bytes('opaqueKeyId'),
    stretch: stretchParams(params),
  });
}

function binding(params: Params): { fleetId: Bytes; account: Bytes; generation: number } {
  return {
    fleetId: params.bytes('fleetId'),
    account: params.bytes('account'),
    generation: params.number('generation'),
  };
}

/** The client of OPAQUE. */
const opaqueClient: Readonly<Record<string, Operation>> = {
  'opaque.prepare-password': (params) => ({ password: hex(preparePassword(fromUtf8(params.bytes('text')))) }),
  'opaque.check-stretch': (params) => {
    checkStretch(stretchParams(params));
    return { accepted: true };
  },
  'opaque.registration-request': (params) => {
    const { request } = startRegistrationWith(injected(params), suite, params.bytes('password'));
    return { request: hex(request) };
  },
  'opaque.registration-record': async (params) => {
    const random = injected(params);
    const { record, exportKey } = await finishRegistrationWith(random, {
      suite,
      state: startRegistrationWith(random, suite, params.bytes('password')).state,
      response: params.bytes('response'),
      serverPublicKey: params.bytes('serverPublicKey'),
      stretch: argon2idStretch(stretchParams(params)),
    });
    return { record: hex(record), exportKey: hex(exportKey) };
  },
  'opaque.ke1': (params) => ({
    ke1: hex(startLoginWith(injected(params), suite, params.bytes('password')).ke1),
  }),
  'opaque.ke3': async (params) => {
    const { ke3, sessionKey, exportKey } = await finishLogin({
      suite,
      state: startLoginWith(injected(params), suite, params.bytes('password')).state,
      ke2: params.bytes('ke2'),
      context: context(params),
      stretch: argon2idStretch(stretchParams(params)),
      ...(params.has('serverPublicKey') && { serverPublicKey: params.bytes('serverPublicKey') }),
    });
    return { ke3: hex(ke3), sessionKey: hex(sessionKey), exportKey: hex(exportKey) };
  },
  'opaque.seal-key': (params) => ({
    sealedKey: hex(sealBackupKey(params.bytes('exportKey'), params.bytes('backupKey'), binding(params))),
  }),
  'opaque.open-key': (params) => ({
    backupKey: hex(openBackupKey(params.bytes('exportKey'), params.bytes('sealedKey'), binding(params))),
  }),
};

/** The server of OPAQUE. */
const opaqueServer: Readonly<Record<string, Operation>> = {
  'opaque.seed': (params) => {
    const { account, generation } = {
      account: params.bytes('account'),
      generation: params.number('generation'),
    };
    const identifier = credentialIdentifier({
      oprfKeyId: params.bytes('oprfKeyId'),
      account,
      generation,
      nonce: params.bytes('nonce'),
    });
    return { seed: hex(oprfSeed(suite, params.bytes('oprfKey'), identifier)) };
  },
  'opaque.registration-response': (params) => ({
    response: hex(
      serverRegistrationResponse({
        suite,
        seed: params.bytes('seed'),
        serverPublicKey: params.bytes('serverPublicKey'),
        request: params.bytes('request'),
      }),
    ),
  }),
  'opaque.ke2': (params) => {
    const random = injected(params);
    const { ke2, expectedClientMac, sessionKey } = serverKe2({
      suite,
      record: params.bytes('record'),
      seed: params.bytes('seed'),
      serverPrivateKey: params.bytes('serverPrivateKey'),
      serverPublicKey: params.bytes('serverPublicKey'),
      ke1: params.bytes('ke1'),
      context: context(params),
      maskingNonce: random('masking_nonce', 32),
      serverNonce: random('server_nonce', 32),
      serverKeyshareSeed: random('server_keyshare_seed', 32),
    });
    return { ke2: hex(ke2), ke3: hex(expectedClientMac), sessionKey: hex(sessionKey) };
  },
};

function key(params: Params): ChannelKey {
  const publicKey = params.bytes('publicKey');
  return { suite: params.number('suite'), fleetId: params.bytes('fleetId'), id: keyId(publicKey), publicKey };
}

/** The key of the vault, under the id that belongs to it. */
function decapsulate(params: Params): ReturnType<typeof softwareDecapsulate> {
  const secretKey = params.bytes('secretKey');
  const suite = params.number('suite') === 2 ? 2 : 1;
  const { publicKey } = suite === 1 ? x25519(secretKey) : p256Key(secretKey);
  return softwareDecapsulate([{ suite, id: keyId(publicKey), secretKey }]);
}

/** Both sides of the channel, and the fleet descriptor. */
const channel: Readonly<Record<string, Operation>> = {
  'channel.seal-request': async (params) => {
    const { bytes } = await sealRequestWith(injected(params), key(params), params.bytes('plaintext'));
    return { sealedRequest: hex(bytes) };
  },
  'channel.open-answer': async (params) => {
    const sealed = await sealRequestWith(injected(params), key(params), params.bytes('plaintext'));
    return { plaintext: hex(openAnswer(sealed.context, params.bytes('answer'))) };
  },
  'channel.open-request': async (params) => {
    const { plaintext } = await openRequest(
      decapsulate(params),
      params.bytes('fleetId'),
      params.bytes('sealedRequest'),
    );
    return { plaintext: hex(plaintext) };
  },
  'channel.seal-answer': async (params) => {
    const random = injected(params);
    const opened = await openRequestWith(
      random,
      decapsulate(params),
      params.bytes('fleetId'),
      params.bytes('sealedRequest'),
    );
    return { answer: hex(opened.sealAnswer(params.bytes('plaintext'))) };
  },
  'fleet.verify': (params) => {
    const descriptor = verifyDescriptor(params.bytes('descriptor'), {
      signers: params.texts('signers').map((text) => new Uint8Array(Buffer.from(text, 'hex'))),
      k: params.number('k'),
      now: params.number('now'),
      lastSerial: params.number('lastSerial'),
      ...(params.has('fleetId') && { fleetId: params.bytes('fleetId') }),
    });
    const { serial, fleetId } = descriptor;
    return { serial, fleetId: hex(fleetId), channelKey: hex(channelKey(descriptor).publicKey) };
  },
};

/** Decodes, and encodes again. */
function again<T>(codec: Codec<T>): (bytes: Bytes) => Bytes {
  return (bytes) => encode(codec, decode(codec, bytes));
}

/** Structures of the exchange, by the names of the specification. */
const STRUCTURES: Readonly<Record<string, (bytes: Bytes) => Bytes>> = {
  Request: again(Request),
  RegisterFinish: again(RegisterFinish),
  RecoverFinish: again(RecoverFinish),
  Delete: again(Delete),
  Cancel: again(Cancel),
  ChangeStart: again(ChangeStart),
  ChangeStarted: again(ChangeStarted),
  ChangeFinish: again(ChangeFinish),
  PutHead: again(PutHead),
  KeptHead: again(KeptHead),
  StatusBody: again(StatusBody),
  Exchange: again(Exchange),
  Answer: again(Answer),
};

/** Decodes a structure, and encodes it again. */
const structures: Readonly<Record<string, Operation>> = {
  'exchange.decode': (params) => {
    const recode = STRUCTURES[params.text('structure')];
    if (recode === undefined) throw new Unsupported(`structure ${params.text('structure')}`);
    return { encoded: hex(recode(params.bytes('bytes'))) };
  },
};

/** What an owner signs. */
const ownerOperations: Readonly<Record<string, Operation>> = {
  'owner.sign': (params) => {
    const [fleetId, account, body] = [params.bytes('fleetId'), params.bytes('account'), params.bytes('body')];
    const statement = encode(OwnerStatement, { fleetId, account, command: params.number('command'), body });
    const key = BackupKey.fromBytes(params.bytes('key'));
    return { signature: hex(ownerSign(key, concat(label('owner-statement'), statement))) };
  },
};

/** Operations of OPAQUE, channel, fleet and exchange. */
export const vaultOperations: Readonly<Record<string, Operation>> = {
  ...opaqueClient,
  ...opaqueServer,
  ...channel,
  ...structures,
  ...ownerOperations,
};
