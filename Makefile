# PGXS build of the extension: make, make install, make installcheck. The core library's own tests, fuzzers and
# benchmarks need no server and are built by CMakeLists.txt.

EXTENSION = pg_spend
MODULE_big = pg_spend

# The control file holds the only copy of the version. (VERSION itself belongs to PGXS: the server's.)
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" pg_spend.control)

OBJS := $(patsubst %.cpp,%.o,$(sort $(wildcard src/core/*.cpp src/core/*/*.cpp src/pg/*.cpp src/pg/*/*.cpp)))

SQL_PARTS := $(sort $(wildcard src/sql/[0-9]*-*.sql))
DATA_built = pg_spend--$(EXTVERSION).sql
DATA = $(wildcard src/sql/updates/pg_spend--*--*.sql) $(wildcard catalog/pg_spend_catalog.json)

REGRESS := $(sort $(basename $(notdir $(wildcard sql/*.sql))))
REGRESS_OPTS = --load-extension=btree_gist --load-extension=pg_spend
ISOLATION := $(sort $(basename $(notdir $(wildcard test/isolation/specs/*.spec))))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=btree_gist --load-extension=pg_spend

PKG_CONFIG ?= pkg-config
WERROR ?= -Werror

PG_CPPFLAGS = -Isrc -DPG_SPEND_VERSION='"$(EXTVERSION)"' \
	$(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags icu-i18n libsodium))
# -Wno-register: the headers of PostgreSQL 15 still use the keyword, which C++17 took away. -fno-semantic-interposition:
# nobody replaces our functions at run time, so the compiler may inline those that others could see.
PG_CXXFLAGS = -std=c++20 -Wall -Wextra -Wshadow $(WERROR) -Wno-register -fno-semantic-interposition -MMD -MP
SHLIB_LINK = $(shell $(PKG_CONFIG) --libs icu-i18n libsodium) -Wl,--version-script=exports.map

EXTRA_CLEAN = $(OBJS:.o=.d)

# PGXS links with the C compiler unless told otherwise.
override COMPILER = $(CXX) $(CXXFLAGS)
# PGXS would compile bitcode with clang and without our flags; nothing here is small enough to be worth inlining.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# The server's headers are not ours to keep free of warnings.
override CPPFLAGS := $(foreach flag,$(CPPFLAGS),$(if $(filter -I/%,$(flag)),-isystem $(flag:-I%=%),$(flag)))

pg_spend--$(EXTVERSION).sql: $(SQL_PARTS) pg_spend.control
	cat $(SQL_PARTS) > $@

# For tools that must compile as we do (clang-tidy, editors).
.PHONY: compile-flags
compile-flags:
	@echo $(CPPFLAGS) -std=c++20

$(OBJS): Makefile pg_spend.control
all-lib: exports.map
-include $(OBJS:.o=.d)
