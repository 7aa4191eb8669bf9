package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap"
)

// healthFlags say where a service answers questions on its health.
type healthFlags struct{ listen string }

func (f *healthFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.listen, "metrics-listen", "", "answer /healthz, with 200 or 503, and /metrics, for Prometheus, over HTTP on this `ADDRESS`; without a host, on loopback alone")
}

// serve answers questions on the health of the program until the function that it
// returns is called. Ready returns why the service can't do its work, or nil. Metrics
// writes its state.
func (f *healthFlags) serve(log *zap.Logger, ready func() error, metrics func(ctx context.Context, w io.Writer, ready bool) error) (stop func(), err error) {
	if f.listen == "" {
		return func() {}, nil
	}
	address := f.listen
	if !strings.Contains(address, ":") {
		address = ":" + address
	}
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--metrics-listen %s: %w", f.listen, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := ready(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		var b bytes.Buffer
		if err := metrics(ctx, &b, ready() == nil); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		b.WriteTo(w)
	})
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute, ErrorLog: zap.NewStdLog(log)}
	go web.Serve(l)
	log.Info("health", zap.String("url", "http://"+l.Addr().String()+"/healthz"))
	return func() { web.Close() }, nil
}
