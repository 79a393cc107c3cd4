package vault

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"syscall"

	"strongroom/internal/fault"
)

// store is the folder in which a client keeps what it remembers of fleets and accounts, and the journal of one account.
type store struct{ folder, fleet, account, journal string }

// memory is what a client remembers of an account: nothing of it is secret.
type memory struct {
	StateVersion uint64 `json:"stateVersion"`
	ReportShown  uint64 `json:"reportShown"`
}

// entry is an entry of the journal.
type entry struct {
	Phase      entryPhase `json:"phase"`
	BackupKey  []byte     `json:"backupKey,omitempty"`
	Generation uint64     `json:"generation,omitempty"`
	Finish     []byte     `json:"finish,omitempty"`
	Confirm    []byte     `json:"confirm,omitempty"`
	Proof      []byte     `json:"proof,omitempty"`
	Unproved   bool       `json:"unproved,omitempty"`
	Finished   bool       `json:"finished,omitempty"`
	Prepare    bool       `json:"prepare,omitempty"`
}

type entryPhase string

const (
	begun     entryPhase = "begun"
	finishing entryPhase = "finishing"
	changing  entryPhase = "changing"
)

func openStore(folder string, fleetID, account []byte) (store, error) {
	fleet := filepath.Join(folder, hex.EncodeToString(fleetID))
	name := fleet + "-" + hex.EncodeToString(hash(account)[:16])
	return store{folder, fleet + ".fleet", name + ".account", name + ".journal"}, os.MkdirAll(folder, 0o700)
}

// locked runs while no other session or process is in locked.
func (s store) locked(run func() error) error {
	lock, err := os.OpenFile(filepath.Join(s.folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close() // which gives the lock back
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	return run()
}

// update changes what a file remembers; if change returns an error, nothing changes. Errors: state-damaged.
func update[T any](s store, name string, change func(*T) error) error {
	return s.locked(func() error {
		value := new(T)
		if _, err := readFile(name, value); err != nil {
			return err
		}
		before := *value
		if err := change(value); err != nil || reflect.DeepEqual(*value, before) {
			return err
		}
		return s.writeFile(name, value)
	})
}

// readEntry gives the entry of the journal, or nil if there is none. Errors: state-damaged.
func (s store) readEntry() (*entry, error) {
	var e entry
	found, err := readFile(s.journal, &e)
	if err != nil || !found {
		return nil, err
	}
	if e.Phase != begun && e.Phase != finishing && e.Phase != changing {
		return nil, fault.StateDamaged
	}
	return &e, nil
}

func (s store) writeEntry(e *entry) error {
	return s.locked(func() error { return s.writeFile(s.journal, e) })
}

// eraseEntry removes the entry, and what a write of one that was cut off has left.
func (s store) eraseEntry() error {
	return s.locked(func() error {
		for _, name := range []string{s.journal + ".new", s.journal} {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return syncFolder(s.folder)
	})
}

// file is what is in a file of this folder.
type file struct {
	Version int             `json:"version"`
	Content json.RawMessage `json:"content"`
}

// writeFile makes value the content of a file, durably and as a whole. The name of the new file is always the same,
// so that the next write takes away what one that was cut off has left.
func (s store) writeFile(name string, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return err
	}
	b, err := json.Marshal(file{1, content})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	return syncFolder(s.folder)
}

func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// readFile says whether there is a file, and reads it into value. Errors: state-damaged.
func readFile(name string, value any) (found bool, err error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var f file
	if err != nil || json.Unmarshal(b, &f) != nil || f.Version != 1 || json.Unmarshal(f.Content, value) != nil {
		return false, fault.StateDamaged
	}
	return true, nil
}
