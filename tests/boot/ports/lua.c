/* A script that uses the language and its libraries, and what a script does wrong. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "sample.h"

static const char script[] =
    "local words = {}\n"
    "for word in ('the quick brown fox jumps over the lazy dog'):gmatch('%a+') do words[#words + 1] = word end\n"
    "table.sort(words, function(a, b) return #a < #b or #a == #b and a < b end)\n"
    "print(table.concat(words, ' '))\n"
    "local function fibonacci(n) return n < 2 and n or fibonacci(n - 1) + fibonacci(n - 2) end\n"
    "print(fibonacci(20), 7 // 2, 7 / 2, 2^53 | 0, 1e15, 0.1 + 0.2, math.maxinteger, -7 % 3)\n"
    "print(string.format('%5.2f|%-6s|%x|%q|%g|%.14g', 3.14159, 'ab', 255, 'a\\nb', 1e100, 2^0.5))\n"
    "local count = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i * i) end return 'done' end)\n"
    "print(count(), count(), count(), count())\n"
    "local account = setmetatable({}, {__index = function(_, key) return key .. '?' end, __add = function(a, b) return 42 end})\n"
    "print(account.name, account + 1, #'\\u{20AC}', utf8.len('\\u{20AC}uro'))\n"
    "print(pcall(error, {code = 1}) , select(2, pcall(function() local x = nil; return x.y end)))\n"
    "print(('x'):rep(3, '-'), ('hello'):gsub('l', {l = 'L'}), ('key = value'):match('^(%w+)%s*=%s*(%w+)$'))\n"
    "print(string.pack('<i4', 1027):byte(1, -1))\n"
    "do local gone <close> = setmetatable({}, {__close = function() print('closed') end}) end\n"
    "collectgarbage()\n"
    "local big = {} for i = 1, 50000 do big[i] = {i} end big = nil collectgarbage()\n"
    "print(collectgarbage('count') < 1000)\n"
    "return 'the end', 3\n";

static int triple(lua_State *lua)
{
    lua_pushinteger(lua, 3 * luaL_checkinteger(lua, 1));
    return 1;
}

/* With the path of a file that it may make. */
static const char files[] =
    "local path = ...\n"
    "local file <close> = assert(io.open(path, 'w+'))\n"
    "file:setvbuf('full', 100)\n"
    "for i = 1, 1000 do file:write('line ', i, '\\n') end\n"
    "file:seek('set', 0)\n"
    "local count, sum = 0, 0\n"
    "for line in file:lines() do count = count + 1; sum = sum + tonumber(line:match('%d+')) end\n"
    "print(count, sum, file:seek('cur'), file:seek('end'))\n"
    "local more = assert(io.open(path, 'a')) more:write('12 0x10 end') more:close()\n"
    "file:seek('end', -11) print(file:read('n', 'n', 'l'))\n"
    "assert(os.rename(path, path .. '2'))\n"
    "print(io.open(path) == nil, (select(3, io.open(path))), io.type(file), (pcall(io.lines, path .. '3')))\n"
    "local temporary = io.tmpfile() temporary:write('x') temporary:seek('set') print(temporary:read('a'))\n"
    "print(os.remove(path .. '2'), (select(3, os.remove(path .. '2'))), os.getenv('NOTHING'))\n";

int main(int count, char **arguments)
{
    lua_State *lua = luaL_newstate();
    luaL_openlibs(lua);
    lua_register(lua, "triple", triple);
    require(luaL_loadbuffer(lua, script, sizeof script - 1, "=script") == LUA_OK, "luaL_loadbuffer");
    require(lua_pcall(lua, 0, 2, 0) == LUA_OK, lua_tostring(lua, -1));
    printf("%s: %s, %lld\n", LUA_RELEASE, lua_tostring(lua, -2), (long long)lua_tointeger(lua, -1));
    for (const char **line = (const char *[]){"x = = 1", "triple('a')", "error('ours', 0)", "string.rep('x', 1 << 40)", NULL}; *line; line++) {
        require(luaL_dostring(lua, *line) != LUA_OK, *line);
        printf("%s\n", lua_tostring(lua, -1));
        lua_settop(lua, 0);
    }
    if (count > 1) {
        luaL_loadbuffer(lua, files, sizeof files - 1, "=files");
        lua_pushstring(lua, arguments[1]);
        require(lua_pcall(lua, 1, 0, 0) == LUA_OK, lua_tostring(lua, -1));
    }
    lua_close(lua);
    return 0;
}
