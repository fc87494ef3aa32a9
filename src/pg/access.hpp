#pragma once

#include <string>

#include "core/attribution.hpp"
#include "core/scope.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// What the current role may see. Rights stand in spend.access, by member and scope; the extension's owner and
/// superusers see all. Decided by privileges of the current user, so that a role inherits the rights of the roles it is
/// a member of.

/// Whether rows of these dimensions are visible.
bool may_see(const Dimensions& dimensions);
/// Whether every row of this scope is visible.
bool may_see_all_of(const Scope& scope);
/// The same by attribution id, remembered until rights or roles change; an id without dictionary entry is visible to
/// those only who see everything.
bool may_see_attribution(const Hash128& id);

/// Whether the current role may decide over calls under budgets of this scope: an approver whose scope covers it, an
/// admin, or the owner.
bool may_approve_all_of(const Scope& scope);

/// Whether the current role has the rights of the ledger's owner.
bool owns_ledger();
/// Whether the current role is this one or a member of it, or has the rights of the ledger's owner: what the gate keeps
/// for a role is for these.
bool may_act_for(const std::string& role);

/// Registers for changes of role membership; called once from _PG_init.
void watch_roles();

}  // namespace spend
