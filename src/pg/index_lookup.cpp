// Which index of a table is on given columns.

#include "pg/tuples.hpp"

extern "C" {
#include "catalog/pg_am.h"
#include "nodes/primnodes.h"
}

namespace spend {

namespace {

/// The answers of index_on() for short lists of columns. One is true as long as the index is one of the table's: what
/// an index is on does not change.
struct KnownIndex {
  Oid relation = InvalidOid;
  std::array<AttrNumber, 4> columns = {};
  IndexKind kind = IndexKind::btree;
  Oid index = InvalidOid;
};

KnownIndex& known_index(const KnownIndex& wanted) {
  static std::array<KnownIndex, 64> known;
  const std::uint64_t hash =
      (std::uint64_t{wanted.relation} << 16U ^ static_cast<std::uint16_t>(wanted.columns[0])) * 0x9E3779B97F4A7C15U;
  return known[hash >> 58U];
}

bool is_of_kind(Oid index, IndexKind kind) {
  HeapTuple entry = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
  if (!HeapTupleIsValid(entry)) {
    return false;
  }
  const Oid access_method = reinterpret_cast<Form_pg_class>(GETSTRUCT(entry))->relam;
  ReleaseSysCache(entry);
  return access_method == (kind == IndexKind::btree ? BTREE_AM_OID : HASH_AM_OID);
}

}  // namespace

Oid index_on_if_any(Relation relation, std::span<const AttrNumber> columns, IndexKind kind) {
  KnownIndex wanted{RelationGetRelid(relation), {}, kind, InvalidOid};
  const bool is_short = columns.size() <= wanted.columns.size();
  std::copy_n(columns.begin(), is_short ? columns.size() : 0, wanted.columns.begin());
  KnownIndex& known = known_index(wanted);
  const bool is_known =
      is_short && known.relation == wanted.relation && known.columns == wanted.columns && known.kind == kind;
  const Oid found = pg_call([&] {
    Oid result = InvalidOid;
    List* indexes = RelationGetIndexList(relation);
    if (is_known && list_member_oid(indexes, known.index)) {
      list_free(indexes);
      return known.index;
    }
    ListCell* cell;
    foreach (cell, indexes) {
      // Its entry in the catalog says enough: to open it reads a good deal more.
      HeapTuple entry = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
      if (!HeapTupleIsValid(entry)) {
        continue;
      }
      const auto* const form = reinterpret_cast<Form_pg_index>(GETSTRUCT(entry));
      bool matches = form->indisvalid && form->indnkeyatts >= static_cast<int>(columns.size()) &&
                     heap_attisnull(entry, Anum_pg_index_indpred, nullptr);
      for (std::size_t i = 0; matches && i < columns.size(); ++i) {
        matches = form->indkey.values[i] == columns[i];
      }
      ReleaseSysCache(entry);
      if (matches && is_of_kind(lfirst_oid(cell), kind)) {
        result = lfirst_oid(cell);
        break;
      }
    }
    list_free(indexes);
    return result;
  });
  if (is_short && OidIsValid(found)) {
    known = wanted;
    known.index = found;
  }
  return found;
}

Oid index_on(Relation relation, std::span<const AttrNumber> columns, IndexKind kind) {
  const Oid found = index_on_if_any(relation, columns, kind);
  if (!OidIsValid(found)) {
    raise(ERRCODE_UNDEFINED_OBJECT,
          std::string("an index of \"spend.") + RelationGetRelationName(relation) + "\" is missing", {},
          "Create it again as the extension's script does, or run ALTER EXTENSION pg_spend UPDATE.");
  }
  return found;
}

Oid index_on_present(Relation relation, AttrNumber column) {
  return pg_call([&] {
    Oid result = InvalidOid;
    List* indexes = RelationGetIndexList(relation);
    ListCell* cell;
    foreach (cell, indexes) {
      Relation index = index_open(lfirst_oid(cell), AccessShareLock);
      const Form_pg_index form = index->rd_index;
      const List* const predicate = RelationGetIndexPredicate(index);
      bool covers = predicate == NIL;
      if (predicate != NIL && list_length(predicate) == 1 && IsA(linitial(predicate), NullTest)) {
        const auto* const test = static_cast<NullTest*>(linitial(predicate));
        covers = test->nulltesttype == IS_NOT_NULL && IsA(test->arg, Var) &&
                 reinterpret_cast<Var*>(test->arg)->varattno == column;
      }
      if (form->indisvalid && form->indkey.values[0] == column && index->rd_rel->relam == BTREE_AM_OID && covers) {
        result = lfirst_oid(cell);
      }
      index_close(index, AccessShareLock);
    }
    list_free(indexes);
    return result;
  });
}

}  // namespace spend
