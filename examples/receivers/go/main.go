// A receiver with the library that the authors of Standard Webhooks publish. WEBHOOK_SECRET=whsec_... PORT=9000 go run .
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const largestBody = 4 << 20

type receiver struct {
	webhook *standardwebhooks.Webhook
	seen    sync.Map
}

// region verify

// judge looks at the headers of a request and the exact bytes of its body and returns the status to answer.
func (r *receiver) judge(headers http.Header, body []byte) int {
	if err := r.webhook.Verify(body, headers); err != nil {
		fmt.Println("refused:", err)
		return http.StatusUnauthorized
	}
	id := headers.Get("webhook-id")
	if _, known := r.seen.LoadOrStore(id, true); known {
		fmt.Println("duplicate", id)
		return http.StatusNoContent
	}
	// Store the event, together with its id and in one transaction; work on it after the answer.
	fmt.Println("received", id, string(body))
	return http.StatusNoContent
}

// endregion

func (r *receiver) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, largestBody))
	if err != nil {
		answer.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	answer.WriteHeader(r.judge(request.Header, body))
}

func main() {
	secret := os.Getenv("WEBHOOK_SECRET")
	if !strings.HasPrefix(secret, "whsec_") {
		log.Fatal("WEBHOOK_SECRET must be the endpoint's secret, whsec_...")
	}
	webhook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		log.Fatal(err)
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "9000"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s/\n", listener.Addr())
	log.Fatal(http.Serve(listener, &receiver{webhook: webhook}))
}
