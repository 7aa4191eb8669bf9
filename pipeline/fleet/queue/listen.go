package queue

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"
)

// clusterUser is who the nodes of a cluster are to each other; the token is its
// password.
const clusterUser = "rollcall"

// listens has e listen where o says, to clients and to peers.
func (o *ServerOptions) listens(e *server.Options) error {
	if o.Listen == "" {
		if len(o.Peers) > 0 || o.Node != 0 {
			return errors.New("a node of a cluster has to listen")
		}
		return nil
	}
	host, port, err := address(o.Listen)
	if err != nil {
		return err
	}
	if e.Host, e.Port = host, port; port == 0 {
		e.Port = server.RANDOM_PORT
	}
	if err := o.peers(e); err != nil {
		return err
	}
	if err := o.protect(e); err != nil {
		return err
	}
	return free(o.Listen)
}

// peers makes e a node of a cluster, if o says so.
func (o *ServerOptions) peers(e *server.Options) error {
	n := len(o.Peers)
	if n == 0 && o.Node == 0 {
		return nil
	}
	if n < 3 || n%2 == 0 {
		return fmt.Errorf("a cluster of %d: want three nodes, or five", n)
	}
	if o.Node < 1 || o.Node > n {
		return fmt.Errorf("node %d: want one of the %d peers, from 1", o.Node, n)
	}
	e.ServerName = "node-" + strconv.Itoa(o.Node)
	// Clients are to know the names that they are given, which certificates are for.
	e.Cluster = server.ClusterOpts{Name: "rollcall", NoAdvertise: true, Username: clusterUser, Password: o.Token, TLSTimeout: 5}
	for i, peer := range o.Peers {
		host, port, err := address(peer)
		switch {
		case err != nil:
			return err
		case host == "" || port == 0:
			return fmt.Errorf("peer %s: want its host and its port", peer)
		case slices.Index(o.Peers, peer) != i:
			return fmt.Errorf("peer %s: it is named twice", peer)
		case i == o.Node-1:
			e.Cluster.Host, e.Cluster.Port = ownHost(host), port
		default:
			e.Routes = append(e.Routes, &url.URL{Scheme: "nats-route", Host: peer, User: url.UserPassword(clusterUser, o.Token)})
		}
	}
	return free(net.JoinHostPort(e.Cluster.Host, strconv.Itoa(e.Cluster.Port)))
}

// ownHost returns where a node listens that its peers reach at a host. A name may be
// another address on the machine of that name (127.0.1.1, by its /etc/hosts), or none yet
// (that of a pod which has just begun), so the node then listens at all it has.
func ownHost(host string) string {
	if loopback(host) || net.ParseIP(host) != nil {
		return host
	}
	return "0.0.0.0"
}

// protect has clients and peers prove themselves. Beyond loopback they have to.
func (o *ServerOptions) protect(e *server.Options) error {
	for _, at := range append([]string{o.Listen}, o.Peers...) {
		host, _, _ := net.SplitHostPort(at)
		switch {
		case loopback(host):
		case o.TLS.Cert == "":
			return fmt.Errorf("listen on %s: beyond this machine that needs a certificate", at)
		case o.Token == "":
			return fmt.Errorf("listen on %s: beyond this machine that needs a token", at)
		}
	}
	if o.TLS.Cert == "" {
		if o.TLS != (TLS{}) {
			return errors.New("TLS needs a certificate")
		}
		return nil
	}
	c, err := o.TLS.server()
	if err != nil {
		return err
	}
	e.TLS, e.TLSConfig, e.TLSVerify = true, c, o.TLS.ClientCA != ""
	if len(o.Peers) > 0 {
		e.Cluster.TLSConfig = c.Clone()
	}
	return nil
}

// address splits host:port.
func address(text string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(text)
	if err == nil {
		port, err = strconv.Atoi(p)
	}
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("address %q: want host:port", text)
	}
	return host, port, nil
}

// free returns an error if an address can't be listened on.
func free(at string) error {
	l, err := net.Listen("tcp", at)
	if err != nil {
		if e, ok := errors.AsType[*net.OpError](err); ok {
			err = e.Err
		}
		return fmt.Errorf("listen on %s: %w", at, err)
	}
	return l.Close()
}
