package vault

import (
	"bytes"
	"time"

	"strongroom/internal/container"
	"strongroom/internal/fault"
	"strongroom/internal/wire"
)

// Registration is what a registration needs.
type Registration struct {
	BackupKey, Password []byte
	// OwnerKey is the backup key that is registered now: its owner key proves the replacement.
	// It is nil if there is none, or if the owner has neither it nor its password.
	OwnerKey []byte
	// Unproved says that the owner has neither the registered key nor its password.
	Unproved bool
	// Budget is the number of wrong passwords that destroy the key; 0 takes the default.
	Budget uint8
	// Prepare makes older backups readable with the new key. It is nil if there are none.
	Prepare func() error
}

// Register protects a backup key with a password. It returns without an error when the key is live, or, if the
// registration is unproved, when the vault has said that it waits; then the journal keeps it, and Resume confirms it.
// Errors: those of ask and of the outcomes, and invalid-key, invalid-password, stretch-out-of-bounds, malformed,
// server-authentication-failed, registration-unfinished, state-damaged, and those of Prepare.
func (c *Client) Register(r Registration) error {
	if err := c.begin(); err != nil {
		return err
	}
	if err := c.descriptor.Stretch.Check(c.config.Floor); err != nil {
		return err
	}
	prepared, err := PreparePassword(r.Password)
	if err != nil {
		return err
	}
	defer clear(prepared)
	if len(r.BackupKey) != 32 {
		return fault.InvalidKey
	}
	if e, err := c.store.readEntry(); err != nil {
		return err
	} else if e != nil && (e.Phase != begun || !bytes.Equal(e.BackupKey, r.BackupKey)) {
		return fault.RegistrationUnfinished
	}
	if err := c.store.writeEntry(&entry{Phase: begun, BackupKey: r.BackupKey}); err != nil {
		return err
	}
	e, err := c.startRegistration(r, prepared)
	if err != nil {
		return err
	}
	if err := c.store.writeEntry(e); err != nil {
		return err
	}
	return c.finishRegistration(e, r.Prepare)
}

// startRegistration makes steps 4 to 6, and gives the entry of step 7.
func (c *Client) startRegistration(r Registration, prepared []byte) (*entry, error) {
	blinded, err := Blind(prepared, Draw())
	if err != nil {
		return nil, err
	}
	body, err := new(wire.Encoder).Vector(1, 66, blinded.Element).End()
	if err != nil {
		return nil, err
	}
	s, err := c.ask(registerStart, body, noProof)
	started, err := read(s, err, decodeRegisterStarted)
	if err != nil {
		return nil, err
	}
	made, err := c.register(blinded, started, r.BackupKey)
	if err != nil {
		return nil, err
	}
	secret := random(32)
	encoder := new(wire.Encoder).Bytes(started.id).Vector(1, 256, made.record)
	finish, err := c.descriptor.Stretch.encode(encoder).Bytes(made.sealedKey).
		Bytes(hash(append([]byte(container.Label("confirm")), secret...))).Bytes(made.ownerKey).Uint(1, uint64(r.Budget)).End()
	if err != nil {
		return nil, err
	}
	confirm := bytes.Join([][]byte{started.id, secret, hash(finish)}, nil)
	prove := noProof
	if s.live() && !r.Unproved && r.OwnerKey != nil {
		prove = c.ownerProof(r.OwnerKey)
	}
	proof, err := prove(registerConfirm, confirm)
	return &entry{
		Phase: finishing, BackupKey: r.BackupKey, Generation: started.generation, Finish: finish, Confirm: confirm,
		Proof: proof, Unproved: r.Unproved, Prepare: r.Prepare != nil,
	}, err
}

type registered struct{ record, sealedKey, ownerKey []byte }

// register finishes the registration of OPAQUE, and seals the backup key.
func (c *Client) register(blinded *Blinded, started registerStarted, backupKey []byte) (r registered, err error) {
	key, err := c.descriptor.opaqueKey(started.keys)
	if err != nil {
		return r, err
	}
	if uint64(time.Now().Unix()) > key.NotAfterNew {
		return r, fault.ServerAuthenticationFailed
	}
	var exportKey []byte
	if r.record, exportKey, err = blinded.Register(started.response, key.Public, c.descriptor.Stretch); err != nil {
		return r, err
	}
	defer clear(exportKey)
	binding := Binding{c.config.Pins.FleetID, c.account, started.generation}
	if r.sealedKey, err = SealKey(exportKey, backupKey, binding); err != nil {
		return r, err
	}
	r.ownerKey, err = ownerPublicKey(backupKey)
	return r, err
}

// finishRegistration makes steps 8 to 13 for an entry in the journal.
func (c *Client) finishRegistration(e *entry, prepare func() error) error {
	if !e.Finished {
		s, err := c.ask(registerFinish, e.Finish, noProof)
		recordHash, err := read(s, err, decodeHash)
		if err != nil {
			return err
		}
		if !bytes.Equal(recordHash, hash(e.Finish)) {
			return fault.BadAnswer
		}
		e.Finished = true
		if err := c.store.writeEntry(e); err != nil {
			return err
		}
	}
	if e.Prepare {
		if prepare == nil {
			return fault.RegistrationUnfinished
		}
		if err := prepare(); err != nil {
			return err
		}
		e.Prepare = false
		if err := c.store.writeEntry(e); err != nil {
			return err
		}
	}
	return c.confirmRegistration(e)
}

// confirmRegistration makes steps 11 to 13.
func (c *Client) confirmRegistration(e *entry) error {
	s, err := c.ask(registerConfirm, e.Confirm, func(command, []byte) ([]byte, error) { return e.Proof, nil })
	if err != nil {
		return err
	}
	if e.Unproved && is(s.err(), fault.Scheduled) {
		return c.findWaiting(e)
	}
	if err := s.err(); err != nil {
		return err
	}
	if err := isReceipt(s, e); err != nil {
		return err
	}
	return c.store.eraseEntry()
}

// isReceipt says whether an ok answer says that what the entry holds is live. Errors: bad-answer.
func isReceipt(s *Statement, e *entry) error {
	recordHash, err := read(s, nil, decodeHash)
	if err != nil || !bytes.Equal(recordHash, hash(e.Finish)) || s.Generation != e.Generation || !s.live() {
		return fault.BadAnswer
	}
	return nil
}

// findWaiting makes step 13: is it this registration that waits?
func (c *Client) findWaiting(e *entry) error {
	s, err := c.ask(status, nil, noProof)
	body, err := read(s, err, decodeStatus)
	switch {
	case err != nil:
		return err
	case bytes.Equal(body.recordHash, hash(e.Finish)):
		return c.confirmRegistration(e)
	case bytes.Equal(body.scheduledRecordHash, hash(e.Finish)):
		return nil
	}
	return fault.Scheduled
}

// Resume goes on with what the journal holds; without an entry it does nothing. A registration that had only begun
// is made anew with what r says, under the key of the journal. Errors: those of Register.
func (c *Client) Resume(r Registration) error {
	e, err := c.store.readEntry()
	if err != nil || e == nil {
		return err
	}
	switch e.Phase {
	case begun:
		r.BackupKey = e.BackupKey
		return c.Register(r)
	case finishing:
		return c.finishRegistration(e, r.Prepare)
	}
	return c.finishChange(e)
}
