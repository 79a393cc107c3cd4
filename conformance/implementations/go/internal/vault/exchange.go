package vault

import (
	"crypto/ed25519"
	"crypto/sha256"

	"strongroom/internal/container"
	"strongroom/internal/fault"
	"strongroom/internal/wire"
)

type command uint8

const (
	registerStart command = iota + 1
	registerFinish
	registerConfirm
	recoverStart
	recoverFinish
	status
	deleteKey
	cancelChange
	changeStart
	changeFinish
	getHead
	putHead
)

// Change is a change that waits for its time.
type Change uint8

func (c Change) String() string { return [...]string{"none", "replacement", "deletion"}[c] }

const (
	replacement Change = 1
	deletion    Change = 2
)

type phase uint8

const (
	phaseNone phase = iota
	phaseActive
	phaseLastChance
	phaseDestroyed
	phaseDeleted
)

// The outcomes of an exchange, by number, as the errors that they are to a client.
var outcomes = [...]fault.Code{
	"", fault.WrongPassword, fault.NotRegistered, fault.TryLater, fault.Scheduled, fault.Conflict, fault.Destroyed,
	fault.NotAuthorised, fault.Malformed, fault.Unsupported,
}

const (
	outcomeMalformed     = 8
	outcomeNotAuthorised = 7
)

// Report tells the owner of attempts that were neither proved nor acknowledged.
type Report struct{ Serial, Failed, First, Last uint64 }

// Statement is what a vault has signed.
type Statement struct {
	Time, StateVersion      uint64
	Generation              uint64
	Budget, Remaining       uint8
	RetryAfter, EffectiveAt uint64
	ScheduledChange         Change
	Report                  Report

	version          uint64
	fleetID, account []byte
	requestHash      []byte
	outcome          uint8
	phase            phase
	body             []byte
}

// err is what the outcome is to a client: nil for ok.
func (s *Statement) err() error {
	if s.outcome == 0 {
		return nil
	}
	return outcomes[s.outcome]
}

func (s *Statement) live() bool { return s.phase == phaseActive || s.phase == phaseLastChance }

// decodeAnswer reads a padded Answer, and gives what is signed beside its parts. Errors: malformed.
func decodeAnswer(b []byte) (s *Statement, signed []byte, receiptKey [8]byte, signature []byte, err error) {
	d := wire.Decode(b)
	s = &Statement{version: d.Uint(1), fleetID: d.Bytes(16), account: d.Vector(0, 64), requestHash: d.Bytes(32)}
	s.Time, s.StateVersion = d.Uint(8), d.Uint(8)
	s.outcome, s.phase = d.Enum(0, 9), phase(d.Enum(0, 4))
	s.Generation = d.Uint(8)
	s.Budget, s.Remaining = uint8(d.Uint(1)), uint8(d.Uint(1))
	s.RetryAfter, s.EffectiveAt = d.Uint(8), d.Uint(8)
	s.ScheduledChange = Change(d.Enum(0, 2))
	s.Report = Report{d.Uint(8), d.Uint(4), d.Uint(8), d.Uint(8)}
	s.body = d.Vector(0, 1024)
	length := len(b) - d.Left()
	receiptKey, signature = [8]byte(d.Bytes(8)), d.Bytes(64)
	d.Zeros()
	return s, append([]byte(container.Label("answer")), b[:length]...), receiptKey, signature, d.End()
}

// A proof makes the Proof of a request from its command and its body.
type proof func(c command, body []byte) ([]byte, error)

func noProof(command, []byte) ([]byte, error) { return []byte{0}, nil }

// OwnerSignature signs an OwnerStatement with the owner key of a backup key. Errors: invalid-key, malformed.
func OwnerSignature(backupKey, fleetID, account []byte, c uint8, body []byte) ([]byte, error) {
	seed, err := container.Derive(backupKey, "owner-key", 32)
	if err != nil {
		return nil, err
	}
	statement, err := new(wire.Encoder).Bytes(fleetID).Vector(1, 64, account).Uint(1, uint64(c)).Vector(0, 1280, body).End()
	if err != nil {
		return nil, err
	}
	message := append([]byte(container.Label("owner-statement")), statement...)
	return ed25519.Sign(ed25519.NewKeyFromSeed(seed), message), nil
}

func ownerPublicKey(backupKey []byte) ([]byte, error) {
	seed, err := container.Derive(backupKey, "owner-key", 32)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey), nil
}

// encodeRequest gives the 2048 bytes of a request. Errors: malformed.
func encodeRequest(fleetID, account []byte, c command, body, proof []byte) ([]byte, error) {
	b, err := new(wire.Encoder).Uint(1, 1).Bytes(fleetID).Vector(1, 64, account).Uint(1, uint64(c)).
		Vector(0, 1280, body).Bytes(proof).End()
	if err != nil || len(b) > plaintextLength {
		return nil, fault.Malformed
	}
	return append(b, make([]byte, plaintextLength-len(b))...), nil
}

// registerStarted is the body of an answer to register-start.
type registerStarted struct {
	id         []byte
	generation uint64
	keys       KeyIDs
	response   []byte
}

func decodeRegisterStarted(d *wire.Decoder) registerStarted {
	return registerStarted{d.Bytes(32), d.Uint(8), decodeKeyIDs(d), d.Vector(1, 132)}
}

func decodeKeyIDs(d *wire.Decoder) KeyIDs {
	return KeyIDs{OPRF: [8]byte(d.Bytes(8)), OPAQUE: [8]byte(d.Bytes(8))}
}

// recoverStarted is the body of an answer to recover-start.
type recoverStarted struct {
	attemptID []byte
	keys      KeyIDs
	stretch   Stretch
	ke2       []byte
}

func decodeRecoverStarted(d *wire.Decoder) recoverStarted {
	return recoverStarted{d.Bytes(32), decodeKeyIDs(d), decodeStretch(d), d.Vector(1, 512)}
}

// statusBody is the body of an answer to status.
type statusBody struct{ recordHash, scheduledRecordHash []byte }

func decodeStatus(d *wire.Decoder) statusBody {
	record := d.Bytes(32)
	d.Bytes(64)
	scheduled := d.Bytes(32)
	d.Uint(1)
	d.Uint(8)
	return statusBody{record, scheduled}
}

// decodeHash takes the one field of Registered.
func decodeHash(d *wire.Decoder) []byte { return d.Bytes(32) }

func decodeNothing(*wire.Decoder) struct{} { return struct{}{} }

// decodeHead takes KeptHead: nil if there is none.
func decodeHead(d *wire.Decoder) []byte {
	head := d.Bytes(headLength)
	fields := wire.Decode(head)
	fields.Bytes(16)
	fields.Uint(8)
	fields.Bytes(32)
	fields.Uint(8)
	fields.Rest()
	d.Check(fields.End() == nil)
	if [headLength]byte(head) == [headLength]byte{} {
		return nil
	}
	return head
}

const headLength = 132

func hash(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}
