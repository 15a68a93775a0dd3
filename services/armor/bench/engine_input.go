package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Input gives an input of lines from its beginning, each time that it is called.
type Input func() (io.ReadCloser, error)

// Text is the Input of a text in memory.
func Text(text []byte) Input {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
}

// blockSize is about how much of an input is in memory at a time, for each worker, in bytes.
const blockSize = 256 << 10

// blocks deals out an input in blocks of whole lines. Workers call next at once.
type blocks struct {
	mu   sync.Mutex
	from io.Reader
	rest []byte // the begin of a line whose end is not read yet
	err  error  // why there is no more; io.EOF at the end
}

// next puts the next block into a worker's buffer, in place of the one before. Nothing is left when it is empty.
func (b *blocks) next(buffer []byte) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	block := append(buffer[:0], b.rest...)
	b.rest = b.rest[:0]
	for b.err == nil {
		if cap(block)-len(block) < blockSize {
			block = append(make([]byte, 0, 2*cap(block)+blockSize), block...)
		}
		begin := len(block)
		n, err := b.from.Read(block[begin : begin+blockSize])
		block, b.err = block[:begin+n], err
		if end := bytes.LastIndexByte(block[begin:], '\n'); end >= 0 && err == nil {
			b.rest = append(b.rest, block[begin+end+1:]...)
			return block[:begin+end+1], nil
		}
	}
	if !errors.Is(b.err, io.EOF) {
		return nil, fmt.Errorf("read the input: %w", b.err)
	}
	return block, nil
}
