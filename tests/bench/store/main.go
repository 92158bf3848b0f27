// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The s3zipfs authors

// A store that keeps references instead of bytes, for measuring a publish at
// a real store's latencies on any machine: a copy is a list of (bytes, where
// they are), an uploaded part its headers and where its members' bytes are.
// No disk, no signatures, loopback only. tests/bench/model.py starts it.
//
//	store -members BUCKET/PREFIX=FILE... [-model region|harsh|none] [...]
//
// FILE has a line of size, tab, name for each member, as `s3zip plan --sizes`
// takes it. The administration's port answers
//
//	GET /stats                       sums for each operation, as JSON
//	POST /reset[?log=FILE]           from zero; then a JSON line a request
//	POST /model?on=yes|no            latencies, rates and line
//	POST /members?at=B/P&file=FILE   other members below P in bucket B

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

type server struct {
	store *store
	model model
	stats *stats
}

// ServeHTTP answers one request of a client.
func (v *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{s: v.store, m: &v.model, w: w, r: r, q: r.URL.Query()}
	op := c.identify()
	begin := v.stats.begin(c.op)
	defer v.stats.end(c, begin)
	if !v.model.admitted(op.writes) {
		v.model.sleep(v.model.times.refuse)
		c.fail(refuse(503, "SlowDown", "reduce your request rate"))
		return
	}
	if err := op.do(c); err != nil {
		c.fail(err)
	}
}

// load takes BUCKET/PREFIX.
func (v *server) load(at, file string) error {
	bucket, prefix, _ := strings.Cut(at, "/")
	if bucket == "" {
		return errors.New("members of which bucket?")
	}
	return v.store.load(bucket, prefix, file)
}

func (v *server) administration() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
		w.Write(v.stats.text())
	})
	change := func(path string, f func(*http.Request) error) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			if err := f(r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
		})
	}
	change("/reset", func(r *http.Request) error {
		return v.stats.reset(r.FormValue("log"))
	})
	change("/model", func(r *http.Request) error {
		v.model.off.Store(r.FormValue("on") == "no")
		return nil
	})
	change("/members", func(r *http.Request) error {
		return v.load(r.FormValue("at"), r.FormValue("file"))
	})
	return mux
}

// listen opens a port on loopback, and nowhere else.
func listen(address string) (net.Listener, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	if !at.Addr().IsLoopback() {
		return nil, fmt.Errorf("%s is not on loopback", address)
	}
	return net.Listen("tcp", address)
}

// certificate makes one for the address, signed by itself, and writes it to
// file for clients to trust.
func certificate(address, file string) (tls.Certificate, error) {
	var none tls.Certificate
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, err
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return none, err
	}
	now := time.Now()
	said := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "bench"},
		NotBefore:    now.Add(-time.Hour), NotAfter: now.Add(7 * 24 * time.Hour),
		IPAddresses: []net.IP{at.Addr().AsSlice()}, IsCA: true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, said, said, &key.PublicKey, key)
	if err != nil {
		return none, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		os.WriteFile(file, text, 0o644)
}

func serve() error {
	debug.SetGCPercent(400) // the client needs the cores
	v := &server{store: newStore(), stats: newStats()}
	address := flag.String("listen", "127.0.0.1:7310", "where clients come")
	admin := flag.String("admin", "127.0.0.1:7311", "where the bench asks")
	trust := flag.String("tls", "", "speak TLS; write the certificate to this file")
	flag.BoolVar(&v.store.noCRC, "no-crc", false, "members have no CRC-32")
	flag.Func("members", "BUCKET/PREFIX=FILE (again for more)", func(word string) error {
		at, file, _ := strings.Cut(word, "=")
		return v.load(at, file)
	})
	finish := modelFlags(&v.model)
	flag.Parse()
	if err := finish(); err != nil {
		return err
	}
	clients, err := listen(*address)
	if err != nil {
		return err
	}
	asked, err := listen(*admin)
	if err != nil {
		return err
	}
	go http.Serve(asked, v.administration())
	// no HTTP/2, as S3 has none
	s := &http.Server{Handler: v, ConnState: v.stats.connection,
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	if *trust == "" {
		return s.Serve(clients)
	}
	cert, err := certificate(*address, *trust)
	if err != nil {
		return err
	}
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	return s.ServeTLS(clients, "", "")
}

func main() {
	log.Fatal(serve())
}
