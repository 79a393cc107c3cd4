package vault

import (
	"bytes"

	"strongroom/internal/fault"
	"strongroom/internal/wire"
)

const maxRepetitions = 4

// Proof is what the owner of an account has: a backup key, a password, or, with neither, nothing.
type Proof struct{ BackupKey, Password []byte }

// Status asks for the state of the account. Errors: those of ask and of the outcomes.
func (c *Client) Status() (*Statement, error) {
	s, err := c.ask(status, nil, noProof)
	_, err = read(s, err, decodeStatus)
	return s, err
}

// proved runs a request with the proof that the owner has. With a password that is one attempt, whatever the
// number of requests.
func (c *Client) proved(p Proof, request func(proof) error) error {
	if p.BackupKey != nil {
		return request(c.ownerProof(p.BackupKey))
	}
	if p.Password == nil {
		return request(noProof)
	}
	prepared, err := PreparePassword(p.Password)
	if err != nil {
		return err
	}
	defer clear(prepared)
	a, err := c.login(prepared)
	if err != nil {
		return err
	}
	before := c.last
	err = request(a.prove)
	if c.last == before || is(err, fault.WrongPassword) || is(err, fault.Destroyed) || c.last.phase == phaseDeleted {
		return err
	}
	// The vault may have answered before it looked at the proof: this takes the charge back. If it has looked, the
	// attempt is closed and nothing changes. What was asked for is decided either way.
	if acknowledged, err := c.reportShown(); err == nil {
		c.finishRecovery(a, acknowledged)
	}
	return err
}

// Delete deletes the registered key. Without a proof it waits for its time; Last says so.
// Errors: those of Recover.
func (c *Client) Delete(p Proof) error {
	s, err := c.Status()
	if err != nil {
		return err
	}
	switch s.phase {
	case phaseDeleted:
		return nil
	case phaseNone:
		return fault.NotRegistered
	case phaseDestroyed:
		return fault.Destroyed
	}
	generation := s.Generation
	return c.proved(p, func(prove proof) error {
		for repetition := 0; ; repetition++ {
			body, err := new(wire.Encoder).Uint(8, c.last.StateVersion).End()
			if err != nil {
				return err
			}
			s, err := c.ask(deleteKey, body, prove)
			if err == nil && is(s.err(), fault.Conflict) && s.Generation == generation && repetition < maxRepetitions {
				continue
			}
			unproved := p.BackupKey == nil && p.Password == nil
			if err == nil && unproved && is(s.err(), fault.Scheduled) && s.ScheduledChange == deletion {
				return nil
			}
			if _, err := read(s, err, decodeNothing); err != nil {
				return err
			}
			if s.phase != phaseDeleted {
				return fault.BadAnswer
			}
			return nil
		}
	})
}

// Cancel takes back the change that waits. Errors: those of Recover.
func (c *Client) Cancel(p Proof) error {
	before, err := c.Status()
	if err != nil || before.ScheduledChange == 0 {
		return err
	}
	return c.proved(p, func(prove proof) error {
		body, err := new(wire.Encoder).Uint(8, before.EffectiveAt).End()
		if err != nil {
			return err
		}
		s, err := c.ask(cancelChange, body, prove)
		if _, err := read(s, err, decodeNothing); err != nil {
			return err
		}
		switch {
		case s.Generation != before.Generation || s.phase == phaseDeleted:
			return fault.Conflict
		case s.ScheduledChange != 0:
			return fault.BadAnswer
		}
		return nil
	})
}

// GetHead gives the 132 bytes of the head that the vault keeps, or nil. Errors: those of ask and of the outcomes.
func (c *Client) GetHead(backupKey []byte) ([]byte, error) {
	s, err := c.ask(getHead, nil, c.ownerProof(backupKey))
	return read(s, err, decodeHead)
}

// PutHead puts a head after the previous one, which is nil for none. Errors: those of ask and of the outcomes.
func (c *Client) PutHead(backupKey, head, previous []byte) error {
	before := make([]byte, 32)
	if previous != nil {
		before = hash(previous)
	}
	s, err := c.ask(putHead, append(before, head...), c.ownerProof(backupKey))
	kept, err := read(s, err, decodeHead)
	if err == nil && !bytes.Equal(kept, head) {
		return fault.BadAnswer
	}
	return err
}
