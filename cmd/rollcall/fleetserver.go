package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"rollcall/pipeline/fleet/queue"
)

// connectTimeout is how long a command tries to reach the fleet server.
const connectTimeout = 5 * time.Second

// fleetServerFlags say where the fleet server is, and what to show it.
type fleetServerFlags struct {
	url  string
	auth fleetAuthFlags
}

func (f *fleetServerFlags) add(fs *pflag.FlagSet) {
	grouped(fs, "The server", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.url, "server", "", "`URL` of the fleet server: tls://HOST:PORT or, on its own machine, nats://127.0.0.1:PORT; of a cluster all, with commas between them")
		fs.StringVar(&f.auth.tls.CA, "tls-ca", "", "trust a server whose certificate is of an authority in this `FILE` (PEM) (default: the authorities of the system)")
		fs.StringVar(&f.auth.tls.Cert, "tls-cert", "", "show the certificate in this `FILE` (PEM) to a server that asks for one")
		fs.StringVar(&f.auth.tls.Key, "tls-key", "", "the key of --tls-cert, in this `FILE` (PEM)")
	})
	grouped(fs, "The server", f.auth.addToken)
}

// check returns an error if the flags can't be those of a server.
func (f *fleetServerFlags) check() error {
	for text := range strings.SplitSeq(f.url, ",") {
		u, err := url.Parse(strings.TrimSpace(text))
		switch {
		case err != nil || u.Hostname() == "" || u.Scheme != "tls" && u.Scheme != "nats":
			return usage(fmt.Errorf("--server %q: want a URL such as tls://fleet.contoso.com:4233", masked(text)))
		case u.User != nil:
			return usage(errors.New("--server: credentials don't belong in a URL, which others can see: --token-file or " + fleetTokenVariable + " has the token"))
		}
	}
	return f.auth.check()
}

// connect returns a client of the fleet server, which has to answer within a time.
func (f *fleetServerFlags) connect(ctx context.Context, log *zap.Logger) (*queue.Queue, error) {
	if f.url == "" {
		return nil, &exit{status: exitUsage, err: errors.New("no fleet server: want --server URL, such as tls://fleet.contoso.com:4233"),
			hint: "ROLLCALL_SERVER and a profile can say it, too; rollcall fleet serve is a server"}
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	token, err := f.auth.token()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	q, err := queue.Connect(ctx, queue.Options{URL: f.url, TLS: f.auth.tls, Token: token, Name: userAtHost(), Log: log})
	if err != nil {
		return nil, f.explain(err)
	}
	return q, nil
}

// explain returns err, why there is no client, with what to do about it.
func (f *fleetServerFlags) explain(err error) error {
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return &exit{status: exitError, err: err,
			hint: "--tls-ca FILE names the authority of the server's certificate, and the name in --server has to be one of that certificate"}
	}
	if errors.Is(err, queue.ErrNotReady) {
		return &exit{status: exitError, err: err,
			hint: "the nodes of a cluster have to find each other first; the log of rollcall fleet serve, and its /healthz, say what it waits for"}
	}
	return &exit{status: exitError, err: err,
		hint: "is --server right, does rollcall fleet serve run there (if not, its log says why, as of a full disk), and is the token that of the server (--token-file, " + fleetTokenVariable + ")?"}
}

// answerTimeout is how long a command waits for a fleet server that was reached and is
// away.
const answerTimeout = 10 * time.Second

// do is use, for work that ends with an error when the server is away for too long.
func (f *fleetServerFlags) do(work func(context.Context, *queue.Queue) error) error {
	return f.use(func(ctx context.Context, q *queue.Queue) error {
		ctx, cancel := q.WhileAnswered(ctx, answerTimeout)
		defer cancel()
		return work(ctx, q)
	})
}

// use calls work with a client of the fleet server.
func (f *fleetServerFlags) use(work func(context.Context, *queue.Queue) error) error {
	ctx := context.Background()
	q, err := f.connect(ctx, nil)
	if err != nil {
		return err
	}
	defer q.Close()
	return fleetError(work(ctx, q))
}

// fleetError returns err, an error of a fleet server, with an exit status and what to
// do about it.
func fleetError(err error) error {
	if e, ok := errors.AsType[*queue.HeldError](err); ok {
		return &exit{status: exitHeld, err: err, hint: fmt.Sprintf("rollcall fleet status %[1]s shows how far that is; rollcall fleet cancel %[1]s ends it, and rollcall fleet continue %[1]s has it go on if it is paused or stopped", e.Holder.Fleet)}
	}
	if e, ok := errors.AsType[*queue.NotFoundError](err); ok {
		hint := "rollcall fleet status lists the fleets"
		if e.What == "schedule" {
			hint = "rollcall fleet schedule list shows the schedules"
		}
		return &exit{status: exitError, err: e, hint: hint}
	}
	return err
}

// userAtHost says who runs the program, and where.
func userAtHost() string {
	user, host := userName(), hostName()
	if user == "" || host == "" {
		return user + host
	}
	return user + "@" + host
}
