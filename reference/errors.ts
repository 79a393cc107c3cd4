/**
 * The closed registry of error codes (spec/errors.md). A code is the whole contract: programs branch on `code`,
 * people read `message`, and nothing else of an error is stable.
 *
 * @module
 */

/** What a reader of an error can do next; one line each, shown by the command line. */
export const ERRORS = {
  // wire (spec/conventions.md)
  malformed: 'The bytes do not follow the format. Fetch them again from their source.',
  // keys (spec/keys.md)
  'invalid-key': 'A key is exactly 32 bytes. Pass the raw key, not text.',
  'invalid-recovery-key':
    'Type the 64 hexadecimal digits again; the position of the first wrong one is given.',
  // sealed objects (spec/container.md)
  'not-an-object':
    'This is not a Strongroom object. Check that the file was not converted or compressed on its way.',
  'unsupported-version': 'A newer writer made this object. Update this program.',
  'unsupported-suite':
    'This object uses a cipher suite that this program does not know. Update this program.',
  'unsupported-chunk-size': 'The chunk size is not one of the four that exist. Fetch the object again.',
  'unsupported-type': 'The object type is not known. Update this program, or fetch the object again.',
  'reserved-not-zero': 'Reserved bytes are set. Update this program, or fetch the object again.',
  'bad-extension': 'The extensions of the header are malformed. Fetch the object again.',
  'unknown-critical-extension':
    'The object needs a feature that this program does not have. Update this program.',
  'header-damaged': 'The header was damaged on its way. Fetch the object again; the key may well be right.',
  'wrong-key':
    'The key (or the context) does not belong to this object. Try the other key; the object is whole.',
  'chunk-damaged': 'Part of the object was changed. Fetch it again, or salvage what is left.',
  truncated: 'The end of the object is missing. Fetch it again, or wait until its upload has ended.',
  'trailing-data': 'Something follows the end of the object. Fetch it again.',
  'bad-trailer': 'The authenticated trailer is not valid: the writer was faulty. Report it to its makers.',
  'bad-padding':
    'The authenticated padding is not canonical: the writer was faulty. Report it to its makers.',
  'limit-exceeded': 'A limit of the format would be passed. Split the input into volumes.',
  'bad-range': 'Ask for bytes that the content has; its length is known after the pre-flight.',
  'no-ranges':
    'The server does not give parts of the object in a way that is safe. Fetch the whole object from it.',
  cancelled: 'The caller asked to stop. Nothing that was written so far is a whole object.',
  closed: 'This reader or writer has come to its end. Make a new one for another object.',
  // records and sets (spec/records.md, spec/set.md)
  'bad-record':
    'The authenticated records are not well formed: the writer was faulty. Report it to its makers.',
  'unknown-critical-record':
    'The object needs a feature that this program does not have. Update this program.',
  'unsupported-codec':
    'A record is compressed in a way that this program does not know. Update this program.',
  'bad-manifest':
    'The authenticated manifest breaks its rules: the writer was faulty. Report it to its makers.',
  'unsupported-set':
    'The backup uses a feature that this program does not have (volumes, packs, older keys). Update this program.',
  'bad-chat': 'The authenticated chat breaks its rules: the writer was faulty. Report it to its makers.',
  'bad-database': 'This is no chat database of this version. Give the one that was meant, or mend it.',
  'no-backup':
    'There is no backup in this storage. Check its address, or wait until the first backup has ended.',
  fork: 'Two backups claim to be the newest. List them and name the one to use; let only one device write.',
  'bad-head':
    'The head is not signed under this key, or was changed. Take the newest key; else remove it, and check the backups by eye.',
  stale:
    'A newer backup was made and is not here. Look for it in a copy of the storage, or name the older one to use.',
  'backup-unfinished': 'A backup was cut off, or is under way. Run the backup to its end, then this again.',
  'object-missing': 'An object of the backup is not in the storage. Look for it in a copy of the storage.',
  'object-mismatch':
    'A stored object is not the one that the manifest names. Look for the right one in a copy of the storage.',
  'unsafe-path':
    'The name would lead out of the folder, or cannot exist on this system. Rename it at its source.',
  'unsupported-file':
    'Sockets, pipes, devices and impossible times are not backed up. Exclude it, replace it, or set its time.',
  vanished: 'The file was gone before it could be read. If it should be there, run the backup again.',
  changed: 'The file was being written while it was read. Close what writes it and run the backup again.',
  permission: 'Give this user access to the file or folder that is named, or choose another place.',
  io: 'See to the disk or the network drive that is named, then try again.',
  // OPAQUE (spec/opaque.md)
  'invalid-password':
    'Choose another password: this one is empty, too long, or holds characters that cannot be typed alike everywhere.',
  'wrong-password':
    'The password is not the one of this registration. Each try is charged: think before the next.',
  'server-authentication-failed':
    'The vault did not prove that it holds this registration. Do not send anything else; fetch the fleet descriptor again.',
  'stretch-out-of-bounds':
    'The vault asks for password stretching that this program does not do. Report it to the operator.',
  'bad-sealed-key':
    'The vault gave back a key that is not of this registration. Use the recovery key, and report it.',
  // channel (spec/channel.md)
  'unknown-channel-key': 'The vault no longer has the key that was used. Fetch the fleet descriptor again.',
  'channel-open-failed': 'The request was changed on its way, or meant for another fleet. Send it again.',
  // fleet (spec/fleet.md)
  'bad-descriptor': 'The fleet descriptor is not valid. Fetch it again; if it stays so, report it.',
  'descriptor-not-trusted':
    'Too few of the signers that this program knows have signed the fleet descriptor. Fetch it again, or update this program.',
  'wrong-fleet': 'This is the descriptor of another fleet. Check the address of the vault.',
  'descriptor-not-yet-valid': 'The fleet descriptor is of the future. Check the clock of this device.',
  'descriptor-expired':
    'The fleet descriptor is out of date. Fetch it again; check the clock of this device.',
  'descriptor-rollback':
    'An older fleet descriptor than one seen before was served. Fetch it from elsewhere.',
  'already-signed':
    'This signer has signed another descriptor of this or a higher serial. Ask for one with a higher serial.',
  // vault (spec/storage.md, spec/http.md)
  'invalid-config': 'The configuration has a wrong field; it is named. Correct it and start again.',
  'state-exists':
    'This folder already holds a vault. Choose an empty one: a vault is never made anew in place.',
  'keys-missing':
    'The key file or its sealing key is not where the configuration says. Restore it from safe keeping.',
  'keys-damaged':
    'The key file does not open under this sealing key. Give the right sealing key, or restore both files.',
  'keys-exposed':
    'A secret file is open to other users (chmod 600), or a device would give a key away (make keys anew).',
  'anchor-missing': 'The anchor is gone. Do not make a new one: find out who removed it.',
  'anchor-damaged': 'The anchor cannot be read. Do not make a new one: find out what happened to it.',
  'anchor-locked': 'Another process has the anchor open. Stop it: two vaults on one anchor are two budgets.',
  'anchor-conflict': 'Another writer moved the anchor. Stop the second vault that uses it.',
  'hsm-unavailable':
    'The device or its module does not work, or has stopped. See to it (network, power, its own log), then start the vault again.',
  'hsm-pin-incorrect':
    'The device does not accept the PIN. Correct the PIN file before you start again: a few wrong PINs lock the token.',
  'hsm-pin-locked':
    'The token has locked its PIN. Its security officer can set a new one; do not initialise the token.',
  'hsm-token-missing':
    'No token of this label is there. Connect it, or correct the label in the configuration.',
  'hsm-mechanism-missing':
    'The device does not do what a vault needs, or does it wrongly; it is named. Use a device that does.',
  'hsm-in-use':
    'Another process has this token open for a vault. Stop it: two vaults on one token are two budgets.',
  'store-locked': 'Another process has the store open. Stop it, or point this vault at its own store.',
  'store-damaged': 'The store is not a readable database. Restore its disk; an older copy will be refused.',
  'disk-full':
    'The disk is full. Make room and try again (start a vault again); what was complete before is unharmed.',
  'store-failed': 'The store could not be written or read. See to its disk, then start the vault again.',
  'rollback-detected':
    'The store is not what the anchor says: it is older, or was changed. Bring the newest store back.',
  'record-invalid': 'A stored record breaks an invariant. Keep the store as it is and report it.',
  'not-ready': 'The vault is starting, stopping or has failed. Try again later; its log says why.',
  overloaded: 'The vault has too much to do. Try again in a moment.',
  // clients (spec/client.md)
  unavailable: 'No signed answer came, and nothing follows from that. Check the address and try again.',
  'insecure-url': 'Use an https:// address; plain http:// is for a vault on this machine alone.',
  'bad-answer': 'Something on the way changes or makes up answers. Try again over another network.',
  'stale-answer':
    'The vault speaks of an older state than it did before. Try again; do not believe this answer.',
  'not-registered': 'Check the account name and the vault. If both are right, use the 64-digit recovery key.',
  'try-later': 'Wait as long as the message says, then try again. Nothing was charged.',
  scheduled: 'The change takes effect at the time that the vault gave. Until then the old key stays.',
  conflict: 'Something else was faster. Look how things stand now (list, status) before you go on.',
  destroyed: 'The attempts are spent and the vault has erased the key. Use the 64-digit recovery key.',
  'not-authorised':
    'Prove that the account is yours: log in at the service, or recover with the old password.',
  unsupported: 'This vault does not know the command. Update the vault or this program.',
  'registration-unfinished': 'An earlier registration was cut off. Run the same command again to finish it.',
  'state-damaged': 'The saved state is not readable. Restore the file from a copy; do not delete it unread.',
  // command line (docs/cli.md)
  usage: 'Run the command with --help.',
  'secret-in-arguments': 'Change this secret if the machine is shared: it may have been seen.',
  incomplete: 'What could be done is done; what is listed is missing. See to it, then run the command again.',
  'not-found': 'Check the path that is named.',
  exists: 'Choose another name, or move away what is there.',
} as const;

/** One of the codes of spec/errors.md. */
export type ErrorCode = keyof typeof ERRORS;

/** Facts beside a code that a program may use; never secret. */
export interface ErrorDetails {
  /** Byte offset in the input at which the fault was found. */
  readonly offset?: number;
  /** 1-based position of the first wrong character of typed text. */
  readonly position?: number;
  /** Index of the chunk that failed. */
  readonly chunk?: number;
  /** Name of the field, record, object or path concerned. */
  readonly subject?: string;
  /** Seconds to wait before the next try. */
  readonly retryAfter?: number;
  /** Attempts left, by the vault's signed word. */
  readonly remaining?: number;
}

/** Every error that Strongroom throws on purpose. */
export class StrongroomError extends Error {
  override readonly name: string = 'StrongroomError';
  /** The code of spec/errors.md. */
  readonly code: ErrorCode;
  /** Facts beside the code. */
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }

  /** What to do next, in one line. */
  get hint(): string {
    return ERRORS[this.code];
  }
}

/** True if `error` is a {@link StrongroomError}, with this code if one is given. */
export function isStrongroomError(error: unknown, code?: ErrorCode): error is StrongroomError {
  return error instanceof StrongroomError && (code === undefined || error.code === code);
}
