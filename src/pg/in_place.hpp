#pragma once

#include "pg/prelude.hpp"

namespace spend {

struct Attribution;
class UsageRow;

/// Many rows of one command in place: the executor asks the row triggers' WHEN conditions for each row, and such a
/// condition of ours does the trigger's work right there, on the row in the executor's slot. See in_place.cpp.

/// Defines pg_spend.in_place_rows. Called once, from _PG_init.
void define_in_place_setting();

/// Whether to rely on how the executor keeps slots, leaves and triggers: the server is one that this was tested with,
/// and pg_spend.in_place_rows is on.
bool knows_executor();

/// Called by the BEFORE ROW trigger for each row that it has worked on in `slot`, the one that the executor stores:
/// from some rows on, those that follow in this command are taken in place.
void take_rows_in_place(const TriggerData* trigger, FmgrInfo* called);

/// What BEFORE ROW has found out of a row, for AFTER ROW in place. Of one row at most: the next row's BEFORE comes
/// after this row's AFTER condition.
void hand_over(const TupleTableSlot* slot, const UsageRow& row, Attribution& attribution);
/// What was handed over is void: another row has begun.
void drop_handed_over();

/// BEFORE ROW of an INSERT for the row in a slot, in price_row.cpp. False: nothing was done, the trigger is needed.
bool price_in_place(TupleTableSlot* slot, Oid leaf);

}  // namespace spend
