/* A query over 10,000 rows, in a file that is closed and opened again (or `:memory:`). */
#include <sqlite3.h>
#include <string.h>

#include "sample.h"

static sqlite3 *database;

static void do_all(const char *sql)
{
    char *error = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &error) != SQLITE_OK) {
        printf("failed: %s: %s\n", sql, error);
        exit(1);
    }
}

static void query(const char *sql)
{
    sqlite3_stmt *statement;
    require(sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK, sqlite3_errmsg(database));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int column = 0; column < sqlite3_column_count(statement); column++)
            printf("%s%s", column ? " | " : "  ", (const char *)sqlite3_column_text(statement, column));
        putchar('\n');
    }
    require(sqlite3_finalize(statement) == SQLITE_OK, sqlite3_errmsg(database));
}

static void fill(void)
{
    sqlite3_stmt *insert;
    do_all("CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, city INTEGER, weight REAL)");
    do_all("CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT)");
    do_all("INSERT INTO city VALUES (0,'Arles'),(1,'Bonn'),(2,'Cork'),(3,'Delft')");
    do_all("BEGIN");
    sqlite3_prepare_v2(database, "INSERT INTO person VALUES (?, ?, ?, ?)", -1, &insert, NULL);
    for (int i = 0; i < 10000; i++) {
        char name[20];
        snprintf(name, sizeof name, "person %d", i * 7919 % 10000);
        sqlite3_bind_int(insert, 1, i);
        sqlite3_bind_text(insert, 2, name, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int(insert, 3, i * 13 % 5);
        sqlite3_bind_double(insert, 4, 50 + i % 400 / 8.0);
        require(sqlite3_step(insert) == SQLITE_DONE && sqlite3_reset(insert) == SQLITE_OK, "an insert");
    }
    sqlite3_finalize(insert);
    do_all("COMMIT");
    do_all("CREATE INDEX by_name ON person (name)");
}

static void ask(void)
{
    query("SELECT city.name, count(*), avg(weight), max(person.name) FROM person JOIN city ON city.id = person.city GROUP BY city.id");
    query("SELECT id, name FROM person WHERE name BETWEEN 'person 4990' AND 'person 4999' ORDER BY name DESC LIMIT 4");
    query("SELECT DISTINCT weight FROM person ORDER BY weight * -1 LIMIT 3");
    query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT sum(i), group_concat(i % 3) LIKE '1,2,0%' FROM n");
}

/* While the file is open: one that may only read, and one that is refused what another holds. */
static void ask_readers(const char *path)
{
    sqlite3 *own = database;
    do_all("CREATE TABLE last (x); BEGIN IMMEDIATE; INSERT INTO last VALUES (1)");
    require(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK, sqlite3_errmsg(database));
    query("SELECT count(*), (SELECT count(*) FROM last) FROM person");
    char *error = NULL;
    sqlite3_exec(database, "DELETE FROM person", NULL, NULL, &error);
    printf("%s\n", error);
    sqlite3_close(database);
    database = own;
    do_all("COMMIT; PRAGMA journal_mode = TRUNCATE; DROP TABLE last");
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : ":memory:";
    int in_file = strcmp(path, ":memory:") != 0;
    printf("sqlite %s\n", sqlite3_libversion());
    require(sqlite3_open(path, &database) == SQLITE_OK, sqlite3_errmsg(database));
    fill();
    do_all("BEGIN; DELETE FROM person WHERE id > 5; ROLLBACK");
    ask();
    if (in_file) {
        require(sqlite3_close(database) == SQLITE_OK, "sqlite3_close");
        require(sqlite3_open(path, &database) == SQLITE_OK, sqlite3_errmsg(database));
        ask();
        do_all("DELETE FROM person WHERE id % 2; VACUUM");
        query("SELECT count(*), sum(weight) FROM person");
    }
    query("PRAGMA integrity_check");
    if (in_file)
        ask_readers(path);
    char *error = NULL;
    sqlite3_exec(database, "SELECT * FROM nowhere", NULL, NULL, &error);
    printf("%s\n", error);
    return sqlite3_close(database);
}
