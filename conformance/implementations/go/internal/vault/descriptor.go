package vault

import (
	"crypto/ecdh"
	"crypto/sha256"
	"unicode/utf8"

	"strongroom/internal/fault"
	"strongroom/internal/wire"
)

// Key is a key of the channel or of receipts.
type Key struct {
	ID      [8]byte
	Current bool
	Public  []byte
}

// OPAQUEKey is a static OPAQUE key with the OPRF key that goes with it.
type OPAQUEKey struct {
	IDs         KeyIDs
	NotAfterNew uint64
	Public      []byte
}

// Descriptor is a verified fleet descriptor, as far as a client uses it.
type Descriptor struct {
	FleetID                 []byte
	NotBefore, NotAfter     uint64
	Suite                   uint8 // of the channel: 1 or 2
	KEMKeys, ReceiptKeys    []Key
	OPAQUEKeys              []OPAQUEKey
	DefaultBudget           uint8
	MaxBudget               uint8
	Stretch                 Stretch
	Operator, TrustDomain   string
	Seen                    Seen
	assertions, opaqueSuite uint8
}

func decodeDescriptor(encoded []byte) (*Descriptor, error) {
	d := wire.Decode(encoded)
	d.Uint(1) // the version, which was looked at
	hash := sha256.Sum256(encoded)
	f := &Descriptor{FleetID: d.Bytes(16), Seen: Seen{Serial: d.Uint(8), Hash: hash[:]}}
	f.NotBefore, f.NotAfter = d.Uint(8), d.Uint(8)
	f.Suite, f.opaqueSuite = uint8(d.Uint(1)), uint8(d.Uint(1))
	f.Seen.Level = d.Enum(1, 3)
	f.KEMKeys, f.ReceiptKeys = decodeKeys(d), decodeKeys(d)
	d.Each(1, 1<<16-1, func(d *wire.Decoder) {
		var k OPAQUEKey
		k.IDs.OPAQUE, k.IDs.OPRF = [8]byte(d.Bytes(8)), [8]byte(d.Bytes(8))
		k.NotAfterNew = d.Uint(8)
		d.Enum(1, 3)
		d.Enum(1, 3)
		k.Public = d.Vector(1, 255)
		f.OPAQUEKeys = append(f.OPAQUEKeys, k)
	})
	relayKeys := f.decodePolicy(d)
	f.Operator, f.TrustDomain = string(d.Vector(0, 255)), string(d.Vector(0, 255))
	if d.End() != nil || !utf8.ValidString(f.Operator) || !utf8.ValidString(f.TrustDomain) {
		return nil, fault.BadDescriptor
	}
	if f.Suite != 1 && f.Suite != 2 || f.opaqueSuite != 1 {
		return nil, fault.UnsupportedSuite
	}
	if !f.valid() || !f.validRelays(relayKeys) {
		return nil, fault.BadDescriptor
	}
	return f, nil
}

func decodeKeys(d *wire.Decoder) (keys []Key) {
	d.Each(1, 1<<16-1, func(d *wire.Decoder) {
		id, state := [8]byte(d.Bytes(8)), d.Enum(1, 2)
		d.Enum(1, 3)
		keys = append(keys, Key{id, state == 1, d.Vector(1, 2048)})
	})
	return keys
}

// decodePolicy takes the policy, with what of it can be checked at once, and gives the relay keys.
func (f *Descriptor) decodePolicy(d *wire.Decoder) (relayKeys [][]byte) {
	f.DefaultBudget, f.MaxBudget = uint8(d.Uint(1)), uint8(d.Uint(1))
	d.Check(1 <= f.DefaultBudget && f.DefaultBudget <= f.MaxBudget && f.MaxBudget <= 100)
	d.Enum(0, 1)
	d.Each(0, 400, func(d *wire.Decoder) { d.Uint(4) })
	d.Uint(4)
	d.Uint(4)
	ceiling := d.Uint(4)
	d.Check(ceiling >= uint64(f.MaxBudget))
	f.assertions = d.Enum(0, 1)
	d.Each(0, 512, func(d *wire.Decoder) { relayKeys = append(relayKeys, d.Bytes(32)) })
	f.Stretch = decodeStretch(d)
	return relayKeys
}

// valid says whether the limits of the table hold that need more than one field.
func (f *Descriptor) valid() bool {
	channelKey := func(b []byte) bool { _, err := f.channelKey(b); return err == nil }
	receiptKey := validEd25519
	if f.Suite == 2 {
		receiptKey = channelKey
	}
	if f.Seen.Serial < 1 || f.NotBefore > f.NotAfter || !validKeys(f.KEMKeys, channelKey) || !validKeys(f.ReceiptKeys, receiptKey) {
		return false
	}
	seen := map[[8]byte]bool{}
	for _, k := range f.OPAQUEKeys {
		if _, err := element(k.Public); err != nil || k.IDs.OPAQUE != keyID(k.Public) || seen[k.IDs.OPAQUE] {
			return false
		}
		seen[k.IDs.OPAQUE] = true
	}
	return true
}

func (f *Descriptor) validRelays(keys [][]byte) bool {
	for _, k := range keys {
		if !validEd25519(k) {
			return false
		}
	}
	return (f.assertions == 1) == (len(keys) > 0) && (f.assertions == 1 || f.Seen.Level == 1)
}

func validKeys(keys []Key, valid func([]byte) bool) bool {
	seen := map[[8]byte]bool{}
	current := false
	for _, k := range keys {
		if k.ID != keyID(k.Public) || seen[k.ID] || !valid(k.Public) {
			return false
		}
		seen[k.ID] = true
		current = current || k.Current
	}
	return current
}

func (f *Descriptor) channelKey(b []byte) (*ecdh.PublicKey, error) {
	if f.Suite == 2 {
		return ecdh.P256().NewPublicKey(b)
	}
	return ecdh.X25519().NewPublicKey(b)
}

// currentKey is the key to which requests are sealed.
func (f *Descriptor) currentKey() Key {
	for _, k := range f.KEMKeys {
		if k.Current {
			return k
		}
	}
	panic("a verified descriptor has a current key")
}

// ChannelKey is the public key to which requests are sealed.
func (f *Descriptor) ChannelKey() []byte { return f.currentKey().Public }

// verifyReceipt says whether a receipt key of the fleet with this id has signed the message.
func (f *Descriptor) verifyReceipt(id [8]byte, message, signature []byte) bool {
	for _, k := range f.ReceiptKeys {
		if k.ID == id && f.Suite == 2 {
			return verifyP256(k.Public, message, signature)
		} else if k.ID == id {
			return verifyEd25519(k.Public, message, signature)
		}
	}
	return false
}

// opaqueKey finds the pair of keys that an answer names. Errors: server-authentication-failed.
func (f *Descriptor) opaqueKey(ids KeyIDs) (OPAQUEKey, error) {
	for _, k := range f.OPAQUEKeys {
		if k.IDs == ids {
			return k, nil
		}
	}
	return OPAQUEKey{}, fault.ServerAuthenticationFailed
}
