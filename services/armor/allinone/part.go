package allinone

import (
	"context"
	"errors"
	"fmt"
)

// part is one running part: it is stopped once, and its end is waited for.
type part struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// startPart runs work. When it ends before it was stopped, the reason goes to failed.
func startPart(ctx context.Context, name string, work func(context.Context) error, failed chan<- error) *part {
	ctx, cancel := context.WithCancel(ctx)
	p := &part{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		err := work(ctx)
		switch {
		case ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)):
		case err != nil:
			p.err = fmt.Errorf("%s: %w", name, err)
		default:
			p.err = fmt.Errorf("%s ended by itself", name)
		}
		if p.err != nil {
			failed <- p.err
		}
	}()
	return p
}

// stop ends the part and waits for it. A nil part has ended.
func (p *part) stop() error {
	if p == nil {
		return nil
	}
	p.cancel()
	<-p.done
	return p.err
}
