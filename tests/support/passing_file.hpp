// A file of SQLite's that hands everything on to the real one: what a test's file layer (VFS)
// begins with, before it puts its own calls in.
#pragma once

#include <sqlite3.h>

namespace stoa::testing {

// `Own` is what the layer keeps a file; the real file's struct stands behind it.
template <class Own>
struct passing_file {
    sqlite3_file base;
    Own own;

    static passing_file& of(sqlite3_file* f) { return *reinterpret_cast<passing_file*>(f); }
    static sqlite3_file* real(sqlite3_file* f) {
        return reinterpret_cast<sqlite3_file*>(&of(f) + 1);
    }

    // Version 2 has no xFetch: every byte then goes through xRead and xWrite.
    static constexpr sqlite3_io_methods methods(int version) {
        return {
            version,
            [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); },
            [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
                return real(f)->pMethods->xRead(real(f), to, n, at);
            },
            [](sqlite3_file* f, const void* bytes, int n, sqlite3_int64 at) {
                return real(f)->pMethods->xWrite(real(f), bytes, n, at);
            },
            [](sqlite3_file* f, sqlite3_int64 size) {
                return real(f)->pMethods->xTruncate(real(f), size);
            },
            [](sqlite3_file* f, int flags) { return real(f)->pMethods->xSync(real(f), flags); },
            [](sqlite3_file* f, sqlite3_int64* size) {
                return real(f)->pMethods->xFileSize(real(f), size);
            },
            [](sqlite3_file* f, int l) { return real(f)->pMethods->xLock(real(f), l); },
            [](sqlite3_file* f, int l) { return real(f)->pMethods->xUnlock(real(f), l); },
            [](sqlite3_file* f, int* out) {
                return real(f)->pMethods->xCheckReservedLock(real(f), out);
            },
            [](sqlite3_file* f, int op, void* arg) {
                return real(f)->pMethods->xFileControl(real(f), op, arg);
            },
            [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); },
            [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); },
            [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
                return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
            },
            [](sqlite3_file* f, int at, int n, int flags) {
                return real(f)->pMethods->xShmLock(real(f), at, n, flags);
            },
            [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); },
            [](sqlite3_file* f, int erase) { return real(f)->pMethods->xShmUnmap(real(f), erase); },
            [](sqlite3_file* f, sqlite3_int64 at, int n, void** out) {
                return real(f)->pMethods->xFetch(real(f), at, n, out);
            },
            [](sqlite3_file* f, sqlite3_int64 at, void* p) {
                return real(f)->pMethods->xUnfetch(real(f), at, p);
            },
        };
    }
};

}  // namespace stoa::testing
