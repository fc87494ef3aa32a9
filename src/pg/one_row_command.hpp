#pragma once

#include "pg/prelude.hpp"

namespace spend {

struct Attribution;
class UsageRow;

/// An INSERT of one row, INSERT … VALUES (…), whose row is accounted before it is stored. See one_row_command.cpp.

/// From now on it is known which command the executor runs. Called once, from _PG_init.
void watch_commands();

/// Called by the BEFORE ROW trigger price_row(), whose function has that oid, for a row that it has worked on in the
/// slot which the executor stores. True: the running command stores this row and no other, the row is accounted, and
/// the trigger account_row() will not be called. False: it is left to that trigger.
bool account_one_row(const TriggerData* trigger, Oid price_row, const UsageRow& row, Attribution& attribution);

}  // namespace spend
