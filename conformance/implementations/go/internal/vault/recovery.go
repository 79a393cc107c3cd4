package vault

import (
	"bytes"

	"strongroom/internal/fault"
	"strongroom/internal/wire"
)

// attempt is a login whose password was right, before its KE3 has been sent.
type attempt struct {
	ke1, id, ke3, exportKey []byte
	generation              uint64
}

// ke3Proof is the Ke3Proof of the attempt.
func (a attempt) ke3Proof() *wire.Encoder {
	return new(wire.Encoder).Vector(1, 128, a.ke1).Bytes(a.id).Vector(1, 128, a.ke3)
}

func (a attempt) prove(command, []byte) ([]byte, error) {
	b, err := a.ke3Proof().End()
	return append([]byte{1}, b...), err
}

// login makes steps 2 to 5 of Recovery, and step 8 if the password is wrong.
func (c *Client) login(password []byte) (attempt, error) {
	blinded, err := Blind(password, Draw())
	if err != nil {
		return attempt{}, err
	}
	ke1, err := blinded.KE1()
	if err != nil {
		return attempt{}, err
	}
	body, err := new(wire.Encoder).Vector(1, 128, ke1).End()
	if err != nil {
		return attempt{}, err
	}
	s, err := c.ask(recoverStart, body, noProof)
	started, err := read(s, err, decodeRecoverStarted)
	if err != nil {
		return attempt{}, err
	}
	return c.finishLogin(blinded, ke1, started, s.Generation)
}

// finishLogin makes steps 3 to 5 of Recovery, and step 8 if the password is wrong.
func (c *Client) finishLogin(blinded *Blinded, ke1 []byte, started recoverStarted, generation uint64) (attempt, error) {
	a := attempt{ke1: ke1, id: started.attemptID, generation: generation}
	if err := started.stretch.Check(c.config.Floor); err != nil {
		return a, err
	}
	key, err := c.descriptor.opaqueKey(started.keys)
	if err != nil {
		return a, err
	}
	login, err := blinded.Login(started.ke2, started.keys, started.stretch)
	if is(err, fault.WrongPassword) {
		a.ke3 = random(ke3Length)
		if s, err := c.finishRecovery(a, 0); err == nil && is(s.err(), fault.Destroyed) {
			return a, fault.Destroyed
		}
		return a, fault.WrongPassword
	}
	if err == nil && !bytes.Equal(login.ServerPublicKey, key.Public) {
		err = fault.ServerAuthenticationFailed
	}
	a.ke3, a.exportKey = login.KE3, login.ExportKey
	return a, err
}

func (c *Client) finishRecovery(a attempt, acknowledged uint64) (*Statement, error) {
	body, err := a.ke3Proof().Uint(8, acknowledged).End()
	if err != nil {
		return nil, err
	}
	return c.ask(recoverFinish, body, noProof)
}

// reportShown is the serial of the report that the owner was shown last.
func (c *Client) reportShown() (serial uint64, err error) {
	err = update(c.store, c.store.account, func(m *memory) error {
		serial = m.ReportShown
		return nil
	})
	return serial, err
}

// Recover gives the backup key that is registered under the password.
// Errors: those of ask and of the outcomes, and invalid-password, stretch-out-of-bounds, server-authentication-failed,
// malformed, bad-sealed-key.
func (c *Client) Recover(password []byte) ([]byte, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	prepared, err := PreparePassword(password)
	if err != nil {
		return nil, err
	}
	defer clear(prepared)
	return c.recover(prepared)
}

func (c *Client) recover(prepared []byte) ([]byte, error) {
	a, err := c.login(prepared)
	if err != nil {
		return nil, err
	}
	defer clear(a.exportKey)
	acknowledged, err := c.reportShown()
	if err != nil {
		return nil, err
	}
	s, err := c.finishRecovery(a, acknowledged)
	sealedKey, err := read(s, err, func(d *wire.Decoder) []byte { return d.Bytes(48) })
	if err != nil {
		return nil, err
	}
	return OpenKey(a.exportKey, sealedKey, Binding{c.config.Pins.FleetID, c.account, a.generation})
}

// ChangePassword makes newPassword the one that protects the backup key that is registered; the key stays the same.
// Without backupKey it is recovered first. Errors: those of Recover and Register.
func (c *Client) ChangePassword(backupKey, password, newPassword []byte) error {
	if err := c.begin(); err != nil {
		return err
	}
	if err := c.descriptor.Stretch.Check(c.config.Floor); err != nil {
		return err
	}
	old, err := PreparePassword(password)
	if err != nil {
		return err
	}
	defer clear(old)
	prepared, err := PreparePassword(newPassword)
	if err != nil {
		return err
	}
	defer clear(prepared)
	if e, err := c.store.readEntry(); err != nil {
		return err
	} else if e != nil {
		return fault.RegistrationUnfinished
	}
	if backupKey == nil {
		backupKey, err = c.recover(old)
	} else {
		s, asked := c.ask(getHead, nil, c.ownerProof(backupKey))
		_, err = read(s, asked, decodeHead)
	}
	if err != nil {
		return err
	}
	e, err := c.startChange(backupKey, old, prepared)
	if err != nil {
		return err
	}
	if err := c.store.writeEntry(e); err != nil {
		return err
	}
	return c.finishChange(e)
}

// startChange makes steps 3 to 5, and gives the entry of step 6.
func (c *Client) startChange(backupKey, old, prepared []byte) (*entry, error) {
	login, err := Blind(old, Draw())
	if err != nil {
		return nil, err
	}
	ke1, err := login.KE1()
	if err != nil {
		return nil, err
	}
	registration, err := Blind(prepared, Draw())
	if err != nil {
		return nil, err
	}
	body, err := new(wire.Encoder).Vector(1, 128, ke1).Vector(1, 66, registration.Element).End()
	if err != nil {
		return nil, err
	}
	type changeStarted struct {
		attempt      recoverStarted
		registration registerStarted
	}
	s, err := c.ask(changeStart, body, noProof)
	started, err := read(s, err, func(d *wire.Decoder) changeStarted {
		return changeStarted{decodeRecoverStarted(d), decodeRegisterStarted(d)}
	})
	if err != nil {
		return nil, err
	}
	budget := min(s.Budget, c.descriptor.MaxBudget)
	a, err := c.finishLogin(login, ke1, started.attempt, s.Generation)
	if err != nil {
		return nil, err
	}
	made, err := c.register(registration, started.registration, backupKey)
	if err != nil {
		return nil, err
	}
	acknowledged, err := c.reportShown()
	if err != nil {
		return nil, err
	}
	finish := a.ke3Proof().Uint(8, acknowledged).Bytes(started.registration.id).Vector(1, 256, made.record)
	c.descriptor.Stretch.encode(finish).Bytes(made.sealedKey).Bytes(made.ownerKey).Uint(1, uint64(budget))
	body, err = finish.End()
	return &entry{Phase: changing, Generation: started.registration.generation, Finish: body}, err
}

// finishChange makes steps 7 and 8.
func (c *Client) finishChange(e *entry) error {
	s, err := c.ask(changeFinish, e.Finish, noProof)
	if err != nil {
		return err
	}
	switch outcome := s.err(); {
	case outcome == nil:
		if err := isReceipt(s, e); err != nil {
			return err
		}
		return c.store.eraseEntry()
	case s.StateVersion != 0 && (is(outcome, fault.Conflict) || is(outcome, fault.WrongPassword) ||
		is(outcome, fault.NotRegistered) || is(outcome, fault.Destroyed) || is(outcome, fault.Malformed)):
		if err := c.store.eraseEntry(); err != nil {
			return err
		}
	}
	return s.err()
}
