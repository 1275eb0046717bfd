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
CFLAGS += -std=gnu17 $(CFLAGS_$(BUILD)) $(WARNINGS) -fPIE -pthread $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all -U_FORTIFY_SOURCE) $(EXTRA_CFLAGS)
CPPFLAGS += -D_GNU_SOURCE -DTIERCE_VERSION='"$(VERSION)"' -Ilib -Iworkers -I. -I$(OUT)/gen -I/usr/include/libxml2
LDFLAGS += -pie -pthread -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN))

# ---- the layers: each may include itself and what stands behind its colon, nothing else (tools/check-layers reads this) ---
LAYERS := base proto rpc text index store crawl cluster
LAYER_base :=
LAYER_proto := base
LAYER_rpc := proto base
LAYER_text := base
LAYER_index := text base
LAYER_store := base
LAYER_crawl := text base
LAYER_cluster := rpc store index crawl text proto base

SYS_base := -lxxhash
SYS_proto := -lprotobuf-c
SYS_rpc := -lssl -lcrypto
SYS_text := -lstemmer -lutf8proc
SYS_index := -lm
SYS_store := -lrocksdb
SYS_crawl := -lgumbo -luchardet -lpsl -licuuc
SYS_cluster :=

# ---- the programs: folder, layers, system libraries -----------------------------------------------------------------
PROGRAMS := orchestrator gateway barrel indexserver downloader parser tierce
orchestrator_DIR := orchestrator
orchestrator_LAYERS := cluster rpc crawl text proto base
orchestrator_SYS := -lyaml
gateway_DIR := workers/gateway
gateway_LAYERS := cluster rpc index crawl text proto base
gateway_SYS := -lfcgi -lgrpc -lgpr -ljansson -lm
barrel_DIR := workers/barrel
barrel_LAYERS := cluster rpc store index text proto base
barrel_SYS := -lzstd
indexserver_DIR := workers/indexserver
indexserver_LAYERS := cluster rpc store crawl text proto base
indexserver_SYS := -lzstd
downloader_DIR := workers/downloader
downloader_LAYERS := cluster rpc crawl text proto base
downloader_SYS := -lcurl -lzstd
parser_DIR := workers/parser
parser_LAYERS := crawl text proto base
parser_SYS :=
tierce_DIR := cli
tierce_LAYERS := cluster rpc crawl text proto base
tierce_SYS := -ljansson -lcrypto

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
$$(OUT)/bin/$(1): $$(OBJ_$(1)) $$(call archives,$$($(1)_LAYERS))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(LDFLAGS) -o $$@ $$(OBJ_$(1)) $$(call archives,$$($(1)_LAYERS)) $$($(1)_SYS) $$(call libraries,$$($(1)_LAYERS))
endef
$(foreach program,$(PROGRAMS),$(eval $(call program_rules,$(program))))

# always holds the programs of the last build; empty: leave it alone
BIN_LINK ?= build/bin
BINARIES := $(PROGRAMS:%=$(OUT)/bin/%)
.PHONY: all
all: $(BINARIES)
	@$(if $(BIN_LINK),mkdir -p build && ln -sfn $(patsubst build/%,%,$(OUT))/bin $(BIN_LINK))

# ---- unit tests: tests/unit/LAYER/x_test.c links its layer and those below; tests/unit/PROGRAM/x_test.c its modules ----------
UNIT_C := $(sort $(wildcard tests/unit/*/*_test.c))
UNIT := $(UNIT_C:tests/unit/%.c=$(OUT)/test/%)
owner = $(firstword $(subst /, ,$(1)))
parts_of = $(if $(filter $(1),$(LAYERS)),$(call archives,$(1) $(LAYER_$(1))),$(PARTS_$(1)) $(call archives,$($(1)_LAYERS)))
system_of = $(if $(filter $(1),$(LAYERS)),$(call libraries,$(1) $(LAYER_$(1))),$($(1)_SYS) $(call libraries,$($(1)_LAYERS)))

define unit_rules
$$(OUT)/test/$(1): $$(OUT)/obj/tests/unit/$(1).o $$(call parts_of,$(call owner,$(1)))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(LDFLAGS) -o $$@ $$^ -lcmocka $$(call system_of,$(call owner,$(1)))
endef
$(foreach test,$(UNIT_C:tests/unit/%.c=%),$(eval $(call unit_rules,$(test))))

.PHONY: unit-programs
unit-programs: $(UNIT)

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

.PHONY: clean
clean:
	rm -rf build

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)
