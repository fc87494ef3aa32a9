// Reads the shipped price catalog from the server's share directory: one fixed file, so that an admin who is no
// superuser may load it.

#include "pg/values.hpp"

extern "C" {
#include "storage/fd.h"
}

SPEND_FUNCTION(spend_catalog) {
  return spend::pg_call([] {
    char share[MAXPGPATH];
    get_share_path(my_exec_path, share);
    char* path = psprintf("%s/extension/pg_spend_catalog.json", share);
    FILE* file = AllocateFile(path, "r");
    if (file == nullptr) {
      ereport(ERROR, (errcode_for_file_access(), errmsg("could not open the price catalog \"%s\": %m", path),
                      errhint("Install the extension's files again with make install.")));
    }
    StringInfoData content;
    initStringInfo(&content);
    char buffer[65536];
    for (;;) {
      const size_t read = fread(buffer, 1, sizeof buffer, file);
      if (read == 0) {
        break;
      }
      appendBinaryStringInfo(&content, buffer, static_cast<int>(read));
    }
    if (ferror(file) != 0) {
      ereport(ERROR, (errcode_for_file_access(), errmsg("could not read the price catalog \"%s\": %m", path)));
    }
    FreeFile(file);
    return PointerGetDatum(cstring_to_text_with_len(content.data, content.len));
  });
}
