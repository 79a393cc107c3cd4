package vault

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"strongroom/internal/fault"
)

// store is the folder in which a client keeps what it remembers of one account, and its journal.
type store struct{ folder, memory, journal string }

// memory is what a client remembers: nothing of it is secret.
type memory struct {
	Fleet        Seen   `json:"fleet"`
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
	name := filepath.Join(folder, hex.EncodeToString(hash(append(fleetID[:16:16], account...))[:16]))
	return store{folder, name + ".state", name + ".journal"}, os.MkdirAll(folder, 0o700)
}

// locked runs while no other session or process is in locked.
func (s store) locked(run func() error) error {
	lock, err := os.OpenFile(s.memory+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close() // which gives the lock back
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	return run()
}

// remember changes what is remembered, unless change returns an error.
func (s store) remember(change func(*memory) error) error {
	return s.locked(func() error {
		var m memory
		if _, err := readJSON(s.memory, &m); err != nil {
			return err
		}
		before := m
		if err := change(&m); err != nil || m.equal(before) {
			return err
		}
		return s.write(s.memory, m)
	})
}

func (m memory) equal(o memory) bool {
	return m.StateVersion == o.StateVersion && m.ReportShown == o.ReportShown &&
		m.Fleet.Serial == o.Fleet.Serial && string(m.Fleet.Hash) == string(o.Fleet.Hash) && m.Fleet.Level == o.Fleet.Level
}

// readEntry gives the entry of the journal, or nil if there is none. Errors: state-damaged.
func (s store) readEntry() (*entry, error) {
	var e entry
	found, err := readJSON(s.journal, &e)
	if err != nil || !found {
		return nil, err
	}
	if e.Phase != begun && e.Phase != finishing && e.Phase != changing {
		return nil, fault.StateDamaged
	}
	return &e, nil
}

func (s store) writeEntry(e *entry) error {
	return s.locked(func() error { return s.write(s.journal, e) })
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

// write makes value the content of a file, durably and as a whole. The name of the new file is always the same, so
// that the next write takes away what one that was cut off has left.
func (s store) write(name string, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
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

func readJSON(name string, value any) (found bool, err error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || json.Unmarshal(b, value) != nil {
		return false, fault.StateDamaged
	}
	return true, nil
}
