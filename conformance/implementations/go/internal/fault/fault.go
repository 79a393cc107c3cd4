// Package fault holds the error codes of spec/errors.md that this implementation reports.
package fault

// Code is an error that is nothing but its code.
type Code string

func (c Code) Error() string { return string(c) }

// RecoveryKey is invalid-recovery-key with the position of the first wrong character, from 1.
type RecoveryKey struct{ Position int }

func (RecoveryKey) Error() string { return "invalid-recovery-key" }

const (
	Malformed          Code = "malformed"
	UnsupportedVersion Code = "unsupported-version"
	UnsupportedSuite   Code = "unsupported-suite"
	LimitExceeded      Code = "limit-exceeded"
	Closed             Code = "closed"
	InvalidConfig      Code = "invalid-config"
	IO                 Code = "io"

	InvalidKey               Code = "invalid-key"
	NotAnObject              Code = "not-an-object"
	UnsupportedChunkSize     Code = "unsupported-chunk-size"
	UnsupportedType          Code = "unsupported-type"
	ReservedNotZero          Code = "reserved-not-zero"
	BadExtension             Code = "bad-extension"
	UnknownCriticalExtension Code = "unknown-critical-extension"
	HeaderDamaged            Code = "header-damaged"
	WrongKey                 Code = "wrong-key"
	ChunkDamaged             Code = "chunk-damaged"
	Truncated                Code = "truncated"
	TrailingData             Code = "trailing-data"
	BadTrailer               Code = "bad-trailer"
	BadPadding               Code = "bad-padding"
	BadRange                 Code = "bad-range"
	ObjectMismatch           Code = "object-mismatch"
	ObjectMissing            Code = "object-missing"
	NoRanges                 Code = "no-ranges"
	Changed                  Code = "changed"
	Permission               Code = "permission"

	InvalidPassword            Code = "invalid-password"
	WrongPassword              Code = "wrong-password"
	ServerAuthenticationFailed Code = "server-authentication-failed"
	StretchOutOfBounds         Code = "stretch-out-of-bounds"
	BadSealedKey               Code = "bad-sealed-key"

	BadDescriptor         Code = "bad-descriptor"
	DescriptorNotTrusted  Code = "descriptor-not-trusted"
	WrongFleet            Code = "wrong-fleet"
	DescriptorRollback    Code = "descriptor-rollback"
	DescriptorNotYetValid Code = "descriptor-not-yet-valid"
	DescriptorExpired     Code = "descriptor-expired"

	Unavailable            Code = "unavailable"
	InsecureURL            Code = "insecure-url"
	BadAnswer              Code = "bad-answer"
	StaleAnswer            Code = "stale-answer"
	NotRegistered          Code = "not-registered"
	TryLater               Code = "try-later"
	Scheduled              Code = "scheduled"
	Conflict               Code = "conflict"
	Destroyed              Code = "destroyed"
	NotAuthorised          Code = "not-authorised"
	Unsupported            Code = "unsupported"
	RegistrationUnfinished Code = "registration-unfinished"
	StateDamaged           Code = "state-damaged"
)
