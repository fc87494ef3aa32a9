#include "pg/access.hpp"

#include <string>
#include <vector>

#include "pg/attributions.hpp"
#include "pg/tables.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

struct Right {
  std::string member;
  bool sees;      ///< rows and budgets of the scope
  bool approves;  ///< calls under budgets of the scope
  Scope scope;
};

using Rights = std::vector<Right>;

Rights load() {
  Rights rights;
  const OpenTable table(Table::access, AccessShareLock);
  const AttrNumber member = table.column("member");
  const AttrNumber access = table.column("access");
  const AttrNumber scope = table.column("scope");
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    const std::string kind = text_of(row.get(access, &is_null));
    if (kind != "reader" && kind != "approver" && kind != "admin") {
      return;
    }
    Right right;
    right.member = text_of(row.get(member, &is_null));
    right.sees = kind != "approver";
    right.approves = kind != "reader";
    if (kind != "admin") {
      right.scope = take(Scope::from_json(jsonb_text(row.get(scope, &is_null))));
    }
    rights.push_back(std::move(right));
  });
  return rights;
}

TableCache<Rights> cache(Table::access, load);
bool roles_changed = true;

void on_role_change([[maybe_unused]] Datum argument, [[maybe_unused]] int cache_id, [[maybe_unused]] uint32 hash) {
  roles_changed = true;
}

/// The scopes of the current user, and whether everything is visible to it, or for it to approve.
struct Sight {
  Oid user = InvalidOid;
  std::shared_ptr<const Rights> rights;
  bool everything = false;
  std::vector<const Scope*> scopes;
  bool approves_everything = false;
  std::vector<const Scope*> approved_scopes;
  std::map<Hash128, bool> seen;
};

Sight& sight_of_current_user() {
  static Sight sight;
  const Oid user = GetUserId();
  std::shared_ptr<const Rights> rights = cache.get();
  if (sight.user == user && sight.rights == rights && !roles_changed) {
    return sight;
  }
  Sight fresh;
  fresh.user = user;
  roles_changed = false;
  fresh.everything = owns_ledger();
  fresh.approves_everything = fresh.everything;
  for (const Right& right : *rights) {
    const bool applies = pg_call([&] {
      const Oid member = get_role_oid(right.member.c_str(), true);
      return OidIsValid(member) && has_privs_of_role(user, member);
    });
    if (!applies) {
      continue;
    }
    const bool is_of_all = right.scope.conditions().empty();
    if (right.sees) {
      fresh.everything = fresh.everything || is_of_all;
      fresh.scopes.push_back(&right.scope);
    }
    if (right.approves) {
      fresh.approves_everything = fresh.approves_everything || is_of_all;
      fresh.approved_scopes.push_back(&right.scope);
    }
  }
  fresh.rights = std::move(rights);
  sight = std::move(fresh);
  return sight;
}

bool covers(const Sight& sight, const Dimensions& dimensions) {
  return std::any_of(sight.scopes.begin(), sight.scopes.end(),
                     [&](const Scope* scope) { return scope->matches(dimensions); });
}

}  // namespace

bool owns_ledger() {
  const Oid usage = table_oid(Table::usage);
  return pg_call([&] {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(usage));
    const bool is_owner = HeapTupleIsValid(tuple) &&
                          has_privs_of_role(GetUserId(), reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner);
    if (HeapTupleIsValid(tuple)) {
      ReleaseSysCache(tuple);
    }
    return is_owner;
  });
}

bool may_see(const Dimensions& dimensions) {
  const Sight& sight = sight_of_current_user();
  return sight.everything || covers(sight, dimensions);
}

bool may_see_all_of(const Scope& scope) {
  const Sight& sight = sight_of_current_user();
  return sight.everything ||
         std::any_of(sight.scopes.begin(), sight.scopes.end(), [&](const Scope* mine) { return scope.within(*mine); });
}

bool may_approve_all_of(const Scope& scope) {
  const Sight& sight = sight_of_current_user();
  return sight.approves_everything || std::any_of(sight.approved_scopes.begin(), sight.approved_scopes.end(),
                                                  [&](const Scope* mine) { return scope.within(*mine); });
}

bool may_act_for(const std::string& role) {
  const bool is_member = pg_call([&] {
    const Oid oid = get_role_oid(role.c_str(), true);
    return OidIsValid(oid) && has_privs_of_role(GetUserId(), oid);
  });
  return is_member || owns_ledger();
}

bool may_see_attribution(const Hash128& id) {
  Sight& sight = sight_of_current_user();
  if (sight.everything) {
    return true;
  }
  constexpr std::size_t most_remembered = 100'000;
  const auto known = sight.seen.find(id);
  if (known != sight.seen.end()) {
    return known->second;
  }
  const Attribution* const attribution = find_attribution(id);
  const bool visible = attribution != nullptr && covers(sight, attribution->dimensions);
  if (attribution != nullptr && sight.seen.size() < most_remembered) {
    sight.seen.emplace(id, visible);
  }
  return visible;
}

void watch_roles() {
  CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, on_role_change, 0);
}

}  // namespace spend

SPEND_FUNCTION(spend_visible) {
  if (PG_ARGISNULL(0)) {
    return BoolGetDatum(spend::may_see_all_of(spend::Scope{}));
  }
  return BoolGetDatum(spend::may_see_attribution(spend::uuid_bytes(PG_GETARG_DATUM(0))));
}

SPEND_FUNCTION(spend_visible_scope) {
  return BoolGetDatum(
      spend::may_see_all_of(spend::take(spend::Scope::from_json(spend::jsonb_text(PG_GETARG_DATUM(0))))));
}
