package console

import (
	"context"
	"log/slog"
	"net/http"

	"google.golang.org/grpc"

	"armor/indexer/store"
	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
)

// Deps are the console's neighbours.
type Deps struct {
	// Store answers searches and counts.
	Store store.Store
	// Stream gives live alerts; nil: the page asks the store from time to time instead.
	Stream *alertstream.Conn
	// Manager answers for rules, agents and status; nil: those views say that no manager is configured.
	Manager *grpc.ClientConn
	// Parts tells how the parts of this process are, where the manager's process does not tell it; nil: none.
	Parts func() []*armorv1.ComponentStatus
}

// letterBox counts the dead letters by reason.
type letterBox interface {
	Letters(ctx context.Context) ([]alertstream.Letters, error)
}

// letterReader shows the dead letters.
type letterReader interface {
	ListDeadLetters(context.Context, *armorv1.ListDeadLettersRequest) (*armorv1.ListDeadLettersResponse, error)
	GetDeadLetter(context.Context, *armorv1.GetDeadLetterRequest) (*armorv1.GetDeadLetterResponse, error)
}

// Console answers for the page and its API. Make it with New.
type Console struct {
	cfg      Config
	log      *slog.Logger
	token    *tokenFile
	hosts    hostList
	store    store.Store
	extent   *extent
	boxes    letterBox    // nil: no stream
	reader   letterReader // nil: no stream
	parts    func() []*armorv1.ComponentStatus
	feeds    feeds
	watchers chan struct{}
	manager  managerClients
	assets   assets
	mux      *http.ServeMux
}

// New makes the handler of the console. It holds nothing that needs closing; live connections end with their requests (see Serve).
func New(cfg Config, deps Deps, log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	cfg = cfg.withDefaults()
	c := &Console{
		cfg: cfg, log: log, token: &tokenFile{path: cfg.TokenFile}, hosts: newHostList(cfg.AllowedHosts),
		store: deps.Store, extent: &extent{store: deps.Store}, watchers: make(chan struct{}, cfg.MaxWatchers), manager: newManagerClients(deps.Manager), assets: newAssets(),
		parts: deps.Parts,
	}
	if deps.Stream != nil {
		c.feeds = streamFeeds{deps.Stream}
		c.showLetters(deps.Store, deps.Stream)
	}
	c.mux = c.routes()
	return c
}

func (c *Console) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/", c.assets.serve)
	mux.HandleFunc("GET /{$}", c.page)
	api := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if !c.admitAPI(w, r) {
				return
			}
			if err := h(w, r); err != nil {
				c.writeError(w, r, err)
			}
		})
	}
	api("GET /api/v1/span", c.span)
	api("GET /api/v1/overview", c.overview)
	api("GET /api/v1/boards", c.boards)
	api("GET /api/v1/boards/{id}", c.board)
	api("GET /api/v1/values", c.values)
	api("GET /api/v1/alerts", c.alerts)
	api("GET /api/v1/alerts/{id}", c.alert)
	api("GET /api/v1/export", c.export)
	api("GET /api/v1/watch", c.watch)
	api("GET /api/v1/agents", c.agents)
	api("GET /api/v1/status", c.status)
	api("GET /api/v1/ruleset", c.ruleset)
	api("GET /api/v1/deadletters", c.letterReasons)
	api("GET /api/v1/letters", c.letters)
	api("GET /api/v1/letters/{number}", c.letter)
	api("GET /api/v1/rules/{id}", c.rule)
	return mux
}

// ServeHTTP checks the host a request is for, sets the security headers, and hands it on.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setSecurityHeaders(w.Header())
	if !c.hosts.allows(r.Host) {
		http.Error(w, "This console does not answer to the host name "+quoteHost(r.Host)+".\nOpen it under the address it printed, or add the name to allowed_hosts in its configuration.", http.StatusMisdirectedRequest)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET is answered here: the console changes nothing.", http.StatusMethodNotAllowed)
		return
	}
	defer c.recoverPanic(w, r)
	c.mux.ServeHTTP(w, r)
}

// recoverPanic keeps one broken request from taking the process, and the alerts on their way, with it.
func (c *Console) recoverPanic(w http.ResponseWriter, r *http.Request) {
	switch p := recover(); p {
	case nil:
	case http.ErrAbortHandler:
		panic(p) // net/http's own way to cut a connection, and caught there
	default:
		c.log.Error("console request failed", "path", r.URL.Path, "panic", p)
		writeJSONError(w, http.StatusInternalServerError, apiError{Kind: kindOther, Message: "The console failed on this request; its log has the reason."})
	}
}
