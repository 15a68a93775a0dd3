package cloudtrail

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	"armor/agent/spool"
)

// objectsInput is the name under which objects are kept in the spool, whichever input reads them.
const objectsInput = "cloudtrail-objects"

// state of an object.
type state8 byte

const (
	objectBegun state8 = iota
	objectDone
	objectPoison // it cannot be read whole, and is left until it changes
)

// objectID stands for a bucket and a key.
type objectID [16]byte

func idOf(bucket, key string) objectID {
	sum := sha256.Sum256([]byte(bucket + "\x00" + key))
	return objectID(sum[:16])
}

// tagOf is a hash of an ETag; 0 for none.
func tagOf(etag string) uint64 {
	if etag == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(etag))
	return h.Sum64() | 1
}

// known is what is remembered of an object that nobody reads at present.
type known struct {
	tag   uint64
	until int64 // Unix seconds: when it may be forgotten
	state state8
}

// objectState is how far an object has been read.
type objectState struct {
	known
	records, chain uint64
	// Of one that is not done:
	attempts            uint32
	bucket, key, reason string
	owner               string // name of the input
}

// object is one that is being read, or could not be read whole.
type object struct {
	objectState
	id   objectID
	etag string
	size int64
	kept kept[objectState]

	retry   time.Time     // not before
	blocked int           // how often in a row AWS, not its content, was why it could not be read
	reading bool          // by somebody
	done    chan struct{} // closed when nobody reads it any more
}

// Position implements subject.
func (o *object) Position() spool.Position {
	return spool.Position{Input: objectsInput, Key: string(o.id[:]), Data: o.kept.data(objectState.encode)}
}

// advance implements subject.
func (o *object) advance(records, chain uint64) {
	o.records, o.chain = records, chain
	o.kept.set(o.objectState)
}

func (o *object) url() string { return "s3://" + o.bucket + "/" + o.key }

const objectVersion = 1

func (s objectState) encode() []byte {
	data := []byte{objectVersion, byte(s.state)}
	data = binary.LittleEndian.AppendUint64(data, s.tag)
	data = binary.AppendVarint(data, s.until)
	if s.state == objectDone {
		return data
	}
	data = binary.AppendUvarint(data, s.records)
	data = binary.LittleEndian.AppendUint64(data, s.chain)
	data = binary.AppendUvarint(data, uint64(s.attempts))
	for _, text := range []string{s.bucket, s.key, s.reason, s.owner} {
		data = append(binary.AppendUvarint(data, uint64(len(text))), text...)
	}
	return data
}

// decodeObject returns false if the data is not this version's: the object is then read again, which its records' ids make harmless.
func decodeObject(data []byte) (s objectState, ok bool) {
	if len(data) < 11 || data[0] != objectVersion || data[1] > byte(objectPoison) {
		return objectState{}, false
	}
	s.state, s.tag = state8(data[1]), binary.LittleEndian.Uint64(data[2:])
	rest := data[10:]
	until, n := binary.Varint(rest)
	if n <= 0 {
		return objectState{}, false
	}
	s.until, rest = until, rest[n:]
	if s.state == objectDone {
		return s, true
	}
	number := func() (v uint64) {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			rest, v = nil, 0
		}
		rest = rest[max(n, 0):]
		return v
	}
	text := func() string {
		n := number()
		if n > uint64(len(rest)) {
			rest = nil
			return ""
		}
		t := string(rest[:n])
		rest = rest[n:]
		return t
	}
	s.records = number()
	if len(rest) < 8 {
		return objectState{}, false
	}
	s.chain, rest = binary.LittleEndian.Uint64(rest), rest[8:]
	s.attempts = uint32(number())
	s.bucket, s.key, s.reason, s.owner = text(), text(), text(), text()
	return s, s.bucket != "" && s.key != ""
}

// objects are all that are remembered. Of those that were read whole a few bytes each stay in memory.
type objects struct {
	now func() time.Time

	mu     sync.Mutex
	rest   map[objectID]known
	active map[objectID]*object  // read at present, or not whole
	again  map[objectID]struct{} // read once more in this process, as it was asked to
}

func newObjects(positions map[string][]byte, now func() time.Time) *objects {
	r := &objects{now: now, rest: map[objectID]known{}, active: map[objectID]*object{}, again: map[objectID]struct{}{}}
	for key, data := range positions {
		if s, ok := decodeObject(data); ok && len(key) == len(objectID{}) {
			id := objectID([]byte(key))
			if s.state == objectDone {
				r.rest[id] = s.known
				continue
			}
			o := &object{objectState: s, id: id}
			o.kept.set(s)
			r.active[id] = o
		}
	}
	return r
}

// verdict of a claim.
type verdict int

const (
	claimed  verdict = iota // the caller reads it, and says finish
	readDone                // it was read whole, as it is
	isPoison                // it was given up, as it is
	isBusy                  // somebody else reads it: wait for its done
	notYet                  // it failed lately
)

// candidate is an object that is to be read.
type candidate struct {
	bucket, key, etag string
	owner             string // name of the input
	size              int64
	until             time.Time // until when it must be remembered
	again             bool      // although it was read by an earlier process
	limit             int       // of attempts at one that AWS keeps back; 0: none
}

// claim asks for an object. With isBusy and notYet, o is that object.
func (r *objects) claim(c candidate) (o *object, v verdict) {
	id, tag := idOf(c.bucket, c.key), tagOf(c.etag)
	r.mu.Lock()
	defer r.mu.Unlock()
	again := false
	if c.again {
		_, did := r.again[id]
		again = !did
	}
	if k, ok := r.rest[id]; ok && !again && tag != 0 && k.tag == tag {
		return nil, readDone
	}
	if o = r.active[id]; o != nil {
		changed := tag != 0 && o.tag != tag
		switch {
		case o.reading:
			return o, isBusy
		case (o.state == objectPoison || c.limit > 0 && o.blocked >= c.limit) && !changed && !again:
			return o, isPoison
		case !changed && !again && r.now().Before(o.retry):
			return o, notYet
		}
		if changed {
			o.attempts = 0
		}
	} else {
		o = &object{id: id}
		if k, ok := r.rest[id]; ok {
			o.known = k
		}
		r.active[id] = o
	}
	if again {
		r.again[id] = struct{}{}
		o.records, o.chain = 0, 0
		o.state = objectBegun
	}
	o.bucket, o.key, o.etag, o.size, o.owner = c.bucket, c.key, c.etag, c.size, c.owner
	o.until = max(o.until, c.until.Unix())
	o.reading, o.done = true, make(chan struct{})
	return o, claimed
}

// settled says that there is nothing to claim: the object was read whole, or given up, as it is.
func (r *objects) settled(c candidate) (settled, whole bool) {
	id, tag := idOf(c.bucket, c.key), tagOf(c.etag)
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.again {
		if _, did := r.again[id]; !did {
			return false, false
		}
	}
	if o := r.active[id]; o != nil {
		return o.state == objectPoison && o.tag == tag, false
	}
	k, ok := r.rest[id]
	whole = ok && tag != 0 && k.tag == tag
	return whole, whole
}

// pending are the objects of an input that are to be tried again, wherever a listing looks. Their ETag is whatever they have by now.
func (r *objects) pending(owner string) (list []candidate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.active {
		if o.owner == owner && o.reason != "" && o.state == objectBegun && !o.reading {
			list = append(list, candidate{owner: owner, bucket: o.bucket, key: o.key, until: time.Unix(o.until, 0)})
		}
	}
	return list
}

// isRead says that an object with this ETag was read whole already: a notice may come without the ETag.
func (r *objects) isRead(o *object, etag string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.rest[o.id]
	_, again := r.again[o.id]
	return ok && !again && k.tag == tagOf(etag)
}

// whole notes that an object was read whole. The caller has it touched.
func (r *objects) whole(o *object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o.state, o.tag, o.reason, o.attempts = objectDone, tagOf(o.etag), "", 0
	o.kept.set(o.objectState)
	r.rest[o.id] = o.known
	delete(r.active, o.id)
	r.release(o)
}

// failed notes that an object could not be read whole. Damage counts, and after limit attempts it is given up; for a block it is tried
// for ever.
func (r *objects) failed(o *object, reason string, damage bool, limit int, pause time.Duration) (poison bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.rest, o.id)
	if tag := tagOf(o.etag); tag != 0 && tag != o.tag { // another content than last time
		o.tag, o.attempts = tag, 0
	}
	o.reason, o.state = reason, objectBegun
	o.blocked++
	if damage {
		o.blocked = 0
		o.attempts++
		if int(o.attempts) >= limit {
			o.state = objectPoison
		}
	}
	o.retry = r.now().Add(pause)
	o.kept.set(o.objectState)
	r.release(o)
	return o.state == objectPoison
}

// drop forgets that an object was asked for: it is no longer there, or another one by now.
func (r *objects) drop(o *object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o.records == 0 && o.reason == "" {
		delete(r.active, o.id)
	}
	r.release(o)
}

// vanished forgets an object that is there no more. The caller has it touched.
func (r *objects) vanished(o *object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.active, o.id)
	o.kept.forget()
	r.release(o)
}

func (r *objects) release(o *object) {
	if o.reading {
		o.reading = false
		close(o.done)
	}
}

// expire forgets objects that nobody lists any more, and returns them for their positions to be dropped.
func (r *objects) expire() (gone []*object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now().Unix()
	maps.DeleteFunc(r.rest, func(id objectID, k known) bool {
		if k.until > now {
			return false
		}
		o := &object{id: id}
		o.kept.forget()
		gone = append(gone, o)
		return true
	})
	maps.DeleteFunc(r.active, func(_ objectID, o *object) bool {
		if o.until > now || o.reading {
			return false
		}
		o.kept.forget()
		gone = append(gone, o)
		return true
	})
	return gone
}

// unread is what an input could not read whole, each with its reason.
type unread struct {
	poison  []string // given up
	blocked []string // AWS keeps them back
	damaged []string // to be tried again
}

func (r *objects) unread(owner string) (u unread) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.active {
		switch {
		case o.owner != owner || o.reason == "":
		case o.state == objectPoison:
			u.poison = append(u.poison, o.url()+": "+o.reason)
		case o.blocked > 0:
			u.blocked = append(u.blocked, o.reason)
		default:
			u.damaged = append(u.damaged, o.url()+": "+o.reason)
		}
	}
	slices.Sort(u.poison)
	slices.Sort(u.blocked)
	slices.Sort(u.damaged)
	return u
}

// len is how many objects are remembered.
func (r *objects) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.rest) + len(r.active)
}
