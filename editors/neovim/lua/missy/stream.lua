-- The answer window: text streams into it and the focus stays where it is.
local client = require('missy.client')

local M = {}

local streams = {} ---@type table<string, table>
local count = 0
local buffer ---@type integer?
local ends = vim.api.nvim_create_namespace('missy.answers') -- a mark at the end of each answer that streams

--- Take a partial result of ours; false for every other progress.
function M.take(params)
  local stream = params and streams[params.token]
  local value = params and params.value
  if not stream or type(value) ~= 'table' then
    return false
  end
  if value.kind == 'start' then
    stream.model, stream.tier = value.model, value.tier
  elseif value.kind == 'text' and stream.shows then
    M.append(stream, value.text)
  elseif value.kind == 'retry' then
    client.notify(('trying again in %.0f s: %s'):format(value.inSeconds, value.reason))
  end
  return true
end

--- Note where an answer ends. What others insert there comes after the mark.
local function mark(stream, line, column)
  stream.mark = vim.api.nvim_buf_set_extmark(buffer, ends, line, column, { id = stream.mark, right_gravity = false })
end

--- Begin an answer below the others, in the sight of who asked.
local function begin(stream, heading)
  local last = vim.api.nvim_buf_line_count(buffer) - 1
  local line = vim.api.nvim_buf_get_lines(buffer, last, last + 1, false)[1]
  local title = '# ' .. heading:gsub('%s+', ' ')
  local empty = last == 0 and line == ''
  vim.api.nvim_buf_set_text(buffer, last, #line, last, #line, empty and { title, '', '' } or { '', title, '', '' })
  stream.buffer = buffer
  last = vim.api.nvim_buf_line_count(buffer)
  mark(stream, last - 1, 0)
  vim.api.nvim_win_set_cursor(vim.fn.bufwinid(buffer), { last, 0 })
end

--- Start a command whose answer streams; `shows` says whether its text belongs into the window.
---@param server vim.lsp.Client? the buffer's where it is not given
function M.start(name, argument, bufnr, heading, shows, done, server)
  server = server or client.find(bufnr)
  if not server then
    return
  end
  count = count + 1
  local token = ('missy-nvim-%d-%d'):format(vim.uv.os_getpid(), count)
  local stream = { shows = shows, client_id = server.id }
  streams[token] = stream
  if shows then
    M.open()
    begin(stream, heading)
  end
  stream.finish = function(result, err)
    if not streams[token] then
      return
    end
    streams[token] = nil
    if shows then
      M.append(stream, result and M.footer(result) or ('\n\n*' .. err.message .. '*\n'))
    end
    vim.cmd.redrawstatus()
    done(result, err)
  end
  argument = vim.tbl_extend('force', argument, { partialResultToken = token })
  if not client.command(name, argument, bufnr, stream.finish, server) then
    stream.finish(nil, { message = 'The server is stopping.' })
  end
  vim.cmd.redrawstatus()
end

--- Tell that what a server worked on is lost: Neovim answers no request of one that has ended.
function M.ended(client_id)
  local lost = vim.tbl_filter(function(stream)
    return stream.client_id == client_id
  end, vim.tbl_values(streams))
  for _, stream in ipairs(lost) do
    stream.finish(nil, { message = 'The server has ended. `:edit` starts it again.' })
  end
  if #lost > 0 then
    client.notify('the server has ended before its answer. :edit starts it again', vim.log.levels.ERROR)
  end
end

function M.footer(answer)
  local usage = answer.usage
  local state = answer.complete and '' or (' · incomplete (' .. answer.stopReason .. ')')
  local tokens = usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheCreationTokens
  return ('\n\n*%s · %s · %d tokens · $%.4f%s*\n'):format(answer.model, answer.tier, tokens, usage.costUsd, state)
end

--- Show the window without going there.
function M.open()
  if not (buffer and vim.api.nvim_buf_is_loaded(buffer)) then
    if buffer and vim.api.nvim_buf_is_valid(buffer) then
      vim.api.nvim_buf_delete(buffer, { force = true }) -- `:bdelete` took its text and its options
    end
    buffer = vim.api.nvim_create_buf(false, true)
    vim.api.nvim_buf_set_name(buffer, 'missy://answers')
    vim.bo[buffer].bufhidden = 'hide'
    vim.bo[buffer].swapfile = false
    vim.bo[buffer].filetype = 'markdown'
  end
  if vim.fn.bufwinid(buffer) == -1 then
    local window = vim.api.nvim_open_win(buffer, false, { split = 'below', win = -1, height = math.floor(vim.o.lines * 0.35) })
    vim.wo[window].wrap = true
    vim.wo[window].linebreak = true
    vim.wo[window].winfixheight = true
  end
end

--- Append text to an answer, above those that began later. A window whose cursor is elsewhere than on the last line stays
--- where its reader is.
function M.append(stream, text)
  if stream.buffer ~= buffer or not vim.api.nvim_buf_is_loaded(buffer) then
    return
  end
  local window = vim.fn.bufwinid(buffer)
  local follows = window ~= -1 and vim.api.nvim_win_get_cursor(window)[1] == vim.api.nvim_buf_line_count(buffer)
  local place = vim.api.nvim_buf_get_extmark_by_id(buffer, ends, stream.mark, {})
  local lines = vim.split(text, '\n', { plain = true })
  vim.api.nvim_buf_set_text(buffer, place[1], place[2], place[1], place[2], lines)
  local column = #lines == 1 and place[2] + #lines[1] or #lines[#lines]
  mark(stream, place[1] + #lines - 1, column)
  if follows then
    vim.api.nvim_win_set_cursor(window, { vim.api.nvim_buf_line_count(buffer), 0 })
  end
end

function M.running()
  return vim.tbl_count(streams)
end

return M
