package main

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"time"

	"strongroom/internal/fault"
	"strongroom/internal/vault"
)

func preparePassword(p struct{ Text data }) (result, error) {
	password, err := vault.PreparePassword(p.Text)
	return result{"password": data(password)}, err
}

func checkStretch(p struct{ Stretch vault.Stretch }) (result, error) {
	return result{"accepted": true}, p.Stretch.Check(vault.Floor)
}

type opaqueParams struct {
	Password, Response, ServerPublicKey, KE2 data
	OPRFKeyID, OPAQUEKeyID                   data
	Stretch                                  vault.Stretch
	Inject                                   struct {
		Blind              data
		EnvelopeNonce      data `json:"envelope_nonce"`
		ClientNonce        data `json:"client_nonce"`
		ClientKeyshareSeed data `json:"client_keyshare_seed"`
	}
}

func (p opaqueParams) blind() (*vault.Blinded, error) {
	return vault.Blind(p.Password, vault.Randomness{
		Blind: p.Inject.Blind, EnvelopeNonce: p.Inject.EnvelopeNonce,
		ClientNonce: p.Inject.ClientNonce, ClientKeyshareSeed: p.Inject.ClientKeyshareSeed,
	})
}

func registrationRequest(p opaqueParams) (result, error) {
	blinded, err := p.blind()
	if err != nil {
		return nil, err
	}
	return result{"request": data(blinded.Element)}, nil
}

func registrationRecord(p opaqueParams) (result, error) {
	blinded, err := p.blind()
	if err != nil {
		return nil, err
	}
	record, exportKey, err := blinded.Register(p.Response, p.ServerPublicKey, p.Stretch)
	return result{"record": data(record), "exportKey": data(exportKey)}, err
}

func ke1(p opaqueParams) (result, error) {
	blinded, err := p.blind()
	if err != nil {
		return nil, err
	}
	message, err := blinded.KE1()
	return result{"ke1": data(message)}, err
}

func ke3(p opaqueParams) (result, error) {
	blinded, err := p.blind()
	if err != nil {
		return nil, err
	}
	if len(p.OPRFKeyID) != 8 || len(p.OPAQUEKeyID) != 8 {
		return nil, errors.New("a key id has 8 bytes")
	}
	keys := vault.KeyIDs{OPRF: [8]byte(p.OPRFKeyID), OPAQUE: [8]byte(p.OPAQUEKeyID)}
	login, err := blinded.Login(p.KE2, keys, p.Stretch)
	if err == nil && p.ServerPublicKey != nil && !bytes.Equal(login.ServerPublicKey, p.ServerPublicKey) {
		err = fault.ServerAuthenticationFailed
	}
	return result{
		"ke3": data(login.KE3), "sessionKey": data(login.SessionKey), "exportKey": data(login.ExportKey),
	}, err
}

type sealedKeyParams struct {
	ExportKey, FleetID, Account, BackupKey, SealedKey data
	Generation                                        uint64
}

func (p sealedKeyParams) binding() vault.Binding {
	return vault.Binding{FleetID: p.FleetID, Account: p.Account, Generation: p.Generation}
}

func sealKey(p sealedKeyParams) (result, error) {
	sealed, err := vault.SealKey(p.ExportKey, p.BackupKey, p.binding())
	return result{"sealedKey": data(sealed)}, err
}

func openKey(p sealedKeyParams) (result, error) {
	key, err := vault.OpenKey(p.ExportKey, p.SealedKey, p.binding())
	return result{"backupKey": data(key)}, err
}

func signers(keys []data) (signers []ed25519.PublicKey) {
	for _, key := range keys {
		signers = append(signers, ed25519.PublicKey(key))
	}
	return signers
}

func verifyFleet(p struct {
	Descriptor, FleetID data
	Signers             []data
	K                   int
	Now, LastSerial     uint64
}) (result, error) {
	pins := vault.Pins{FleetID: p.FleetID, Signers: signers(p.Signers), Threshold: p.K}
	d, err := vault.VerifyDescriptor(p.Descriptor, pins, p.Now, vault.Seen{Serial: p.LastSerial})
	if err != nil {
		return nil, err
	}
	return result{"serial": d.Seen.Serial, "fleetId": data(d.FleetID), "channelKey": data(d.ChannelKey())}, nil
}

func ownerSign(p struct {
	Key, FleetID, Account, Body data
	Command                     uint8
}) (result, error) {
	signature, err := vault.OwnerSignature(p.Key, p.FleetID, p.Account, p.Command, p.Body)
	return result{"signature": data(signature)}, err
}

type clientParams struct {
	URL  string
	Pins struct {
		FleetID   data
		Signers   []data
		Threshold int
	}
	Account, Password, NewPassword string
	BackupKey, Head, Previous      data
	StretchFloor                   vault.Stretch
	Timeout                        int
	State, Command, Proof, Prepare string
}

func runClient(p clientParams) (result, error) {
	p.StretchFloor.Algorithm = 1
	client, err := vault.NewClient(vault.Config{
		URL:     p.URL,
		Pins:    vault.Pins{FleetID: p.Pins.FleetID, Signers: signers(p.Pins.Signers), Threshold: p.Pins.Threshold},
		Account: p.Account,
		State:   p.State,
		Floor:   p.StretchFloor,
		Timeout: time.Duration(p.Timeout) * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	brought, err := p.run(client)
	if last := client.Last(); last != nil {
		if err := show(client, last); err != nil {
			return nil, err
		}
		brought["scheduled"] = last.ScheduledChange.String()
		if p.Command != "get-head" && p.Command != "put-head" {
			brought["remaining"] = last.Remaining
		}
	}
	return brought, err
}

// show tells the owner what a client has to show: attempts that failed, and changes that wait.
func show(client *vault.Client, last *vault.Statement) error {
	if last.ScheduledChange != 0 {
		wait := max(last.EffectiveAt, last.Time) - last.Time
		fmt.Fprintf(os.Stderr, "a %s takes effect in %d seconds; cancel it with the key or the password\n", last.ScheduledChange, wait)
	}
	if last.Report.Failed == 0 {
		return nil
	}
	fmt.Fprintf(os.Stderr, "%d attempts have failed since the last report\n", last.Report.Failed)
	return client.Shown(last.Report)
}

func (p clientParams) proof() vault.Proof {
	switch p.Proof {
	case "none":
		return vault.Proof{}
	case "password":
		return vault.Proof{Password: []byte(p.Password)}
	}
	return vault.Proof{BackupKey: p.BackupKey}
}

func (p clientParams) registration() vault.Registration {
	r := vault.Registration{BackupKey: p.BackupKey, Password: []byte(p.Password), Unproved: p.Proof == "none"}
	if !r.Unproved {
		r.OwnerKey = p.BackupKey
	}
	switch p.Prepare {
	case "works":
		r.Prepare = func() error { return nil }
	case "fails":
		r.Prepare = func() error { return fault.IO }
	}
	return r
}

// run runs the command, and gives what it brings beside what all commands do.
func (p clientParams) run(client *vault.Client) (result, error) {
	switch p.Command {
	case "recover":
		key, err := client.Recover([]byte(p.Password))
		return result{"backupKey": data(key)}, err
	case "register":
		r := p.registration()
		if p.Proof == "password" {
			var err error
			if r.OwnerKey, err = client.Recover(r.Password); err != nil {
				return result{}, err
			}
		}
		return result{}, client.Register(r)
	case "resume":
		return result{}, client.Resume(p.registration())
	case "status":
		_, err := client.Status()
		return result{}, err
	case "delete":
		return result{}, client.Delete(p.proof())
	case "cancel":
		return result{}, client.Cancel(p.proof())
	case "change-password":
		return result{}, client.ChangePassword(p.proof().BackupKey, []byte(p.Password), []byte(p.NewPassword))
	case "get-head":
		head, err := client.GetHead(p.BackupKey)
		if head == nil {
			return result{"head": nil}, err
		}
		return result{"head": data(head)}, err
	case "put-head":
		return result{}, client.PutHead(p.BackupKey, p.Head, p.Previous)
	}
	return nil, fmt.Errorf("no command %q", p.Command)
}
