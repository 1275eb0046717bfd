# Tierce. `make help` says what there is.
VERSION := 0.1.0
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# ---- what to build and how -------------------------------------------------------------------------------------------
BUILD ?= release
SAN ?=
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
empty :=
comma := ,
OUT ?= build/$(notdir $(CC))-$(BUILD)$(if $(SAN),-$(subst $(comma),-,$(SAN)))

CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
CFLAGS_debug := -O0 -g3
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wwrite-strings -Wundef
CFLAGS += -std=gnu17 $(CFLAGS_$(BUILD)) $(WARNINGS) -ffp-contract=off -fPIE -pthread $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all -U_FORTIFY_SOURCE) $(EXTRA_CFLAGS)
CPPFLAGS += -D_GNU_SOURCE -DTIERCE_VERSION='"$(VERSION)"' -Ilib -Iworkers -I. -I$(OUT)/gen -I/usr/include/libxml2
# poppler's headers, for lib/page/pdf.c
CPPFLAGS += $(patsubst %,-isystem /usr/%,include/poppler/glib include/glib-2.0 lib/$(shell $(CC) -print-multiarch)/glib-2.0/include include/cairo)
LDFLAGS += -pie -pthread -Wl,--as-needed,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN))

# ---- the layers: each may include itself and what stands behind its colon, nothing else (tools/check-layers reads this) ---
LAYERS := base sandbox proto rpc text index store crawl page cluster
LAYER_base :=
LAYER_sandbox := base
LAYER_proto := base
LAYER_rpc := proto base
LAYER_text := base
LAYER_index := text base
LAYER_store := base
LAYER_crawl := text base
LAYER_page := crawl text base
LAYER_cluster := rpc store index crawl text proto base

SYS_base := -lxxhash
SYS_sandbox := -lseccomp
SYS_proto := -lprotobuf-c
SYS_rpc := -lssl -lcrypto
SYS_text := -lstemmer -lutf8proc
SYS_index := -lm -lzstd
SYS_store := -lrocksdb
SYS_crawl := -lpsl -licuuc -lpcre2-8 -lbrotlidec -lz -lzstd -lcrypto
SYS_page := -lgumbo -luchardet -licuuc -lxml2 -ljansson -lmd4c -lzip -lpoppler-glib -lgobject-2.0 -lglib-2.0 -lm
SYS_cluster :=

# ---- the programs: folder, layers, system libraries -----------------------------------------------------------------
PROGRAMS := orchestrator gateway barrel indexserver downloader parser tierce
# not installed: measure a barrel's index, the frontier, and what no crawl can do without
BENCH_PROGRAMS := barrel-bench frontier-bench crawl-floor
orchestrator_DIR := orchestrator
orchestrator_LAYERS := cluster rpc page crawl text proto base
orchestrator_SYS := -lyaml
gateway_DIR := workers/gateway
gateway_LAYERS := cluster rpc index crawl text proto base
gateway_SYS := -lfcgi -lgrpc -lgpr -ljansson -lm
barrel_DIR := workers/barrel
barrel_LAYERS := cluster rpc store index text proto base
barrel_SYS := -lzstd
indexserver_DIR := workers/indexserver
indexserver_LAYERS := cluster rpc store page crawl text proto base
indexserver_SYS := -lzstd
downloader_DIR := workers/downloader
downloader_LAYERS := cluster rpc page crawl text sandbox proto base
downloader_SYS := -lcurl -lzstd
parser_DIR := workers/parser
parser_LAYERS := page crawl text sandbox proto base
parser_SYS :=
tierce_DIR := cli
tierce_LAYERS := cluster rpc page crawl text proto base
tierce_SYS := -lcurl -ljansson -lssl -lcrypto -lzstd -lm
barrel-bench_DIR := tests/bench/barrel_bench
barrel-bench_WITH := barrel
barrel-bench_LAYERS := $(barrel_LAYERS)
barrel-bench_SYS := $(barrel_SYS) -ljansson
frontier-bench_DIR := tests/bench/frontier_bench
frontier-bench_WITH := indexserver
frontier-bench_LAYERS := $(indexserver_LAYERS)
frontier-bench_SYS := $(indexserver_SYS)
crawl-floor_DIR := tests/bench/crawl_floor
crawl-floor_LAYERS := $(indexserver_LAYERS)
crawl-floor_SYS := -lcurl -lzstd

# V=1 shows the commands
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)
quiet = $(if $(V),,@)

# ---- generated messages ----------------------------------------------------------------------------------------------
PROTOS := $(sort $(wildcard proto/*.proto))
GEN_H := $(PROTOS:proto/%.proto=$(OUT)/gen/%.pb-c.h)
GEN_C := $(GEN_H:.h=.c)
.SECONDARY: $(GEN_H) $(GEN_C)
$(OUT)/gen/%.pb-c.c $(OUT)/gen/%.pb-c.h: proto/%.proto
	@mkdir -p $(@D)
	$(call say,GEN,$<)protoc-c --proto_path=proto --c_out=$(@D) $<

# descriptors of the public services, for gRPC's server reflection
$(OUT)/gen/public_descriptors.inc: proto/gateway.proto proto/health.proto proto/reflection.proto
	@mkdir -p $(@D)
	protoc-c --proto_path=proto --descriptor_set_out=$@.set $^
	od -An -v -tx1 $@.set | sed 's/ \(..\)/0x\1,/g' > $@
$(OUT)/obj/workers/gateway/grpc_reflection.o: $(OUT)/gen/public_descriptors.inc

# what is known of languages, from libexttextcat-data
LANGUAGE_FINGERPRINTS ?= /usr/share/libexttextcat
$(OUT)/gen/language_grams.inc: tools/language-grams
	@mkdir -p $(@D)
	$(call say,GEN,$<)tools/language-grams $(LANGUAGE_FINGERPRINTS) > $@.new && mv $@.new $@
$(OUT)/obj/lib/text/language_detect.o: $(OUT)/gen/language_grams.inc

# ---- objects and layer archives ------------------------------------------------------------------------------------------
$(OUT)/obj/gen/%.o: $(OUT)/gen/%.c | $(GEN_H)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -w -c $< -o $@
$(OUT)/obj/%.o: %.c | $(GEN_H)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

define layer_rules
OBJ_$(1) := $$(patsubst %.c,$$(OUT)/obj/%.o,$$(sort $$(wildcard lib/$(1)/*.c)))
$$(OUT)/lib/lib$(1).a: $$(OBJ_$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(call say,AR,$$@)ar rcs $$@ $$^
endef
$(foreach layer,$(filter-out proto,$(LAYERS)),$(eval $(call layer_rules,$(layer))))
OBJ_proto := $(GEN_C:$(OUT)/gen/%.c=$(OUT)/obj/gen/%.o)
$(OUT)/lib/libproto.a: $(OBJ_proto)
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR,$@)ar rcs $@ $^

# archives and system libraries of a list of layers, uppermost first
archives = $(foreach layer,$(1),$(OUT)/lib/lib$(layer).a)
libraries = $(foreach layer,$(1),$(SYS_$(layer)))

define program_rules
OBJ_$(1) := $$(patsubst %.c,$$(OUT)/obj/%.o,$$(sort $$(wildcard $$($(1)_DIR)/*.c)))
PARTS_$(1) := $$(filter-out %/main.o,$$(OBJ_$(1)))
$$(OUT)/bin/$(1): $$(OBJ_$(1)) $$(PARTS_$$($(1)_WITH)) $$(call archives,$$($(1)_LAYERS))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(LDFLAGS) -o $$@ $$(OBJ_$(1)) $$(PARTS_$$($(1)_WITH)) $$(call archives,$$($(1)_LAYERS)) $$($(1)_SYS) $$(call libraries,$$($(1)_LAYERS))
endef
$(foreach program,$(PROGRAMS) $(BENCH_PROGRAMS),$(eval $(call program_rules,$(program))))

# always holds the programs of the last build; empty: leave it alone
BIN_LINK ?= build/bin
BINARIES := $(patsubst %,$(OUT)/bin/%,$(PROGRAMS) $(BENCH_PROGRAMS))
.PHONY: all
all: $(BINARIES)
	@$(if $(BIN_LINK),mkdir -p build && ln -sfn $(patsubst build/%,%,$(OUT))/bin $(BIN_LINK))

# ---- unit tests: tests/unit/LAYER/x_test.c links its layer and those below; tests/unit/PROGRAM/x_test.c its modules ----------
UNIT_C := $(sort $(wildcard tests/unit/*/*_test.c))
UNIT := $(UNIT_C:tests/unit/%.c=$(OUT)/test/%)
owner = $(firstword $(subst /, ,$(1)))
parts_of = $(if $(filter $(1),$(LAYERS)),$(call archives,$(1) $(LAYER_$(1))),$(PARTS_$(1)) $(call archives,$($(1)_LAYERS)))
# pages are read as browsers do by their tests
TEST_SYS_gateway := -lgumbo
system_of = $(TEST_SYS_$(1)) $(if $(filter $(1),$(LAYERS)),$(call libraries,$(1) $(LAYER_$(1))),$($(1)_SYS) $(call libraries,$($(1)_LAYERS)))

define unit_rules
$$(OUT)/test/$(1): $$(OUT)/obj/tests/unit/$(1).o $$(call parts_of,$(call owner,$(1)))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(LDFLAGS) -o $$@ $$^ -lcmocka $$(call system_of,$(call owner,$(1)))
endef
$(foreach test,$(UNIT_C:tests/unit/%.c=%),$(eval $(call unit_rules,$(test))))

.PHONY: unit-programs
unit-programs: $(UNIT)

# Those that SAN=thread can judge: it does not see into RocksDB and gRPC, whose packages are built without it. The index's
# other tests run in one thread, some for minutes.
THREADS_SEEN := $(filter-out cluster/log_embedded_test,$(foreach layer,base text rpc cluster,$(filter $(layer)/%,$(UNIT_C:tests/unit/%.c=%)))) \
    index/threads_test
.PHONY: thread-programs
thread-programs: $(THREADS_SEEN:%=$(OUT)/test/%)

# ---- fuzzers: tests/fuzz/LAYER/x_fuzz.c, by clang with libFuzzer -----------------------------------------------------------
FUZZ_C := $(sort $(wildcard tests/fuzz/*/*_fuzz.c))
FUZZ := $(FUZZ_C:tests/fuzz/%.c=$(OUT)/fuzz/%)
define fuzz_rules
$$(OUT)/fuzz/$(1): $$(OUT)/obj/tests/fuzz/$(1).o $$(call parts_of,$(call owner,$(1)))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(LDFLAGS) -fsanitize=fuzzer -o $$@ $$^ $$(call system_of,$(call owner,$(1)))
endef
$(foreach fuzz,$(FUZZ_C:tests/fuzz/%.c=%),$(eval $(call fuzz_rules,$(fuzz))))

.PHONY: fuzz-programs
fuzz-programs: $(FUZZ)

# ---- tests ---------------------------------------------------------------------------------------------------------------
.PHONY: test soak fuzz
test: test-dependencies
	tests/run
soak: test-dependencies
	tests/run --soak
fuzz: test-dependencies
	tests/run --only fuzz

# ---- measurements --------------------------------------------------------------------------------------------------------
.PHONY: bench
bench: bench-dependencies
	$(MAKE) all share
	tests/bench/run
	tests/bench/extract/run
	tests/bench/crawl

.PHONY: clean
clean:
	rm -rf build

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)

# ---- what stands beside the programs: build/share here, PREFIX/share/tierce once installed ---------------------------------
# The proxy's templates and the static files are those of this tree, by a link; the handbook is built.
SHARE := build/share
.PHONY: share handbook
share: handbook
	@mkdir -p $(SHARE)/handbook && ln -sfn ../../proxy $(SHARE)/proxy && ln -sfn ../../proxy/static $(SHARE)/static
handbook: $(SHARE)/handbook/.built
$(SHARE)/handbook/.built: tools/build-handbook $(shell find docs -type f)
	$(call say,DOCS,$(@D))tools/build-handbook docs $(@D) && touch $@

# ---- running it here -------------------------------------------------------------------------------------------------------
PROXY ?= nginx
CONFIG ?= config.yaml
DATA ?= var
SHARDS ?= 2
# as many jobs as there are processors, unless make was told how many
jobs = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
.PHONY: run dependencies test-dependencies bench-dependencies
dependencies:
	@tools/install-dependencies $(PROXY)
test-dependencies:
	@tools/install-dependencies --test nginx caddy
bench-dependencies:
	@tools/install-dependencies --bench nginx
run: dependencies
	@+$(MAKE) --no-print-directory $(jobs) all share
	@exec build/bin/tierce up --config $(CONFIG) --data $(DATA) --proxy $(PROXY) --shards $(SHARDS)

# ---- checks: what can be said of the text without running it ---------------------------------------------------------------
HEADERS := $(sort $(wildcard lib/*/*.h orchestrator/*.h workers/*/*.h cli/*.h tests/*/*.h))
SOURCES := $(sort $(wildcard lib/*/*.c orchestrator/*.c workers/*/*.c cli/*.c))
# How far the analyzer follows a function. A third of its own default takes a third of the time and reaches 3,077 of our
# functions' 3,133 blocks instead of 3,088; `make soak` takes the default.
ANALYZER_NODES ?= 75000
ANALYZED := $(patsubst %.c,$(OUT)/analyzed-$(ANALYZER_NODES)/%.ok,$(filter-out lib/base/error.c,$(SOURCES)))
.PHONY: check check-headers check-layers check-format check-static check-docs
check: check-headers check-layers check-format check-static check-docs

# each header compiles alone
check-headers: $(HEADERS:%=$(OUT)/headers/%.ok)
$(OUT)/headers/%.ok: % | $(GEN_H)
	@mkdir -p $(@D)
	@printf '#include "%s"\n' '$<' | $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $(@:.ok=.d) -MT $@ -fsyntax-only -x c -
	@touch $@

# what the table of layers and the programs' lines allow to be included and linked, handed over as it is written above
check-layers:
	@tools/check-layers $(foreach layer,$(LAYERS),'lib/$(layer):$(LAYER_$(layer))') \
	    $(foreach program,$(PROGRAMS),'$($(program)_DIR):$($(program)_LAYERS)')
	@tools/check-packages $(sort $(filter -l%,$(foreach layer,$(LAYERS),$(SYS_$(layer))) $(foreach program,$(PROGRAMS),$($(program)_SYS))))

check-format:
	@clang-format --dry-run -Werror $(HEADERS) $(SOURCES) $(sort $(wildcard tests/*/*/*.c))

# clang-tidy on what changed (.clang-tidy says which checks), then cppcheck
check-static: $(ANALYZED)
	@mkdir -p build/cppcheck
	@cppcheck --quiet --std=c11 --language=c --enable=warning,portability,performance --inline-suppr \
	    --suppressions-list=tools/cppcheck-suppressions --cppcheck-build-dir=build/cppcheck -j2 --error-exitcode=1 \
	    -DTIERCE_VERSION='"$(VERSION)"' -D_GNU_SOURCE -Ilib -Iworkers -I. $(SOURCES)
$(OUT)/analyzed-$(ANALYZER_NODES)/%.ok: %.c $(OUT)/obj/%.o .clang-tidy tools/analyzer.h
	@mkdir -p $(@D)
	$(call say,TIDY,$<)clang-tidy --quiet $< -- -Xclang -analyzer-config -Xclang max-nodes=$(ANALYZER_NODES) -include tools/analyzer.h $(CPPFLAGS) -std=gnu17 -w 2>$@.err || { cat $@.err; exit 1; }
	@rm -f $@.err && touch $@

# man pages are well formed, links lead somewhere, every page is in the contents
check-docs: share
	@tools/check-docs docs $(SHARE)/handbook

# ---- installing it -----------------------------------------------------------------------------------------------------------
PREFIX ?= /usr
SYSCONFDIR ?= /etc
LIBEXEC := $(PREFIX)/libexec/tierce
.PHONY: install
install: all share
	install -d $(DESTDIR)$(LIBEXEC) $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(SYSCONFDIR)/tierce
	install -m 755 $(filter-out %/tierce,$(BINARIES)) $(DESTDIR)$(LIBEXEC)
	install -m 755 $(OUT)/bin/tierce $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(PREFIX)/share/tierce/proxy $(DESTDIR)$(PREFIX)/share/tierce/static
	install -m 644 proxy/nginx.conf proxy/Caddyfile $(DESTDIR)$(PREFIX)/share/tierce/proxy
	install -m 644 $(wildcard proxy/static/*) $(DESTDIR)$(PREFIX)/share/tierce/static
	rm -rf $(DESTDIR)$(PREFIX)/share/tierce/handbook
	cp -R $(SHARE)/handbook $(DESTDIR)$(PREFIX)/share/tierce/handbook
	rm -f $(DESTDIR)$(PREFIX)/share/tierce/handbook/.built
	for page in docs/man/*.[1-8]; do \
	    install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit 1; done
	test -e $(DESTDIR)$(SYSCONFDIR)/tierce/config.yaml || install -m 644 config.yaml $(DESTDIR)$(SYSCONFDIR)/tierce

# ---- help --------------------------------------------------------------------------------------------------------------------
.PHONY: help
help:
	@printf '%s\n' \
	    'make run [PROXY=caddy]   install what is missing, build, start; https://localhost:8443; Ctrl-C stops' \
	    'make                     build the programs into build/bin' \
	    'make test                every test; ends with "N passed, N failed"' \
	    'make soak                the same with the full counts' \
	    'make bench               measure' \
	    'make fuzz                only the fuzzers' \
	    'make check               headers alone, layers, format, static analysis, docs' \
	    'make handbook            docs/ as HTML, into build/share/handbook' \
	    'make install             DESTDIR= PREFIX=/usr SYSCONFDIR=/etc' \
	    'make dependencies        install the Debian packages that building needs; test-dependencies: testing' \
	    'make clean               remove build/; the index (var/) stays' \
	    '' \
	    'BUILD=release|debug  SAN=address,undefined|thread  CC=gcc|clang  V=1  CONFIG=config.yaml  DATA=var  SHARDS=2'

-include $(shell find $(OUT)/headers -name '*.d' 2>/dev/null)
