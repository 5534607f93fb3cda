# Two commands matter: `make demo` and `make test`, as root. Both install what they need.
CARGO ?= cargo
PREFIX ?= /usr/local

.DEFAULT_GOAL := help
.PHONY: help deps build install uninstall test lint demo bench clean

help:
	@echo "make demo     two hosts on this machine, containers joined, shown, taken down (root)"
	@echo "make test     everything is tested, in network namespaces and with real engines (root)"
	@echo "make lint     formatting, clippy on each feature set, documentation, purity"
	@echo "make bench    speed against the raw kernel, as a table of ratios (root)"
	@echo "make build    target/release/weave"
	@echo "make install  build, and put it into $(PREFIX)/bin"

deps:
	@.ci/deps

build: deps
	$(CARGO) build --locked --release --bin weave

install: build
	install -D -m 0755 target/release/weave $(DESTDIR)$(PREFIX)/bin/weave

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/weave

test: deps root
	@.ci/rust
	@.ci/python
	@.ci/ansible
	@.ci/salt
	@.ci/lua
	@.ci/puppet

lint: deps
	@.ci/lint

demo: deps root
	$(CARGO) build --locked --bin weave --example demo
	$(CARGO) run --locked -q --example demo

bench: deps root
	@.ci/python-release
	$(CARGO) bench --locked -p weave-core -- $(ARGS)

.PHONY: root
root:
	@[ "$$(id -u)" -eq 0 ] || { echo "run this as root: it makes network namespaces and starts engines" >&2; exit 1; }

clean:
	$(CARGO) clean
