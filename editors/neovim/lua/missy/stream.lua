-- The answer window: text streams into it and the focus stays where it is.
local client = require('missy.client')

local M = {}

local streams = {} ---@type table<string, table>
local count = 0
local buffer ---@type integer?
local running = 0

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
    M.append(value.text)
  elseif value.kind == 'retry' then
    client.notify(('trying again in %.0f s: %s'):format(value.inSeconds, value.reason))
  end
  return true
end

--- Start a command whose answer streams; `shows` says whether its text belongs into the window.
function M.start(name, argument, bufnr, heading, shows, done)
  count = count + 1
  local token = ('missy-nvim-%d-%d'):format(vim.uv.os_getpid(), count)
  streams[token] = { shows = shows }
  running = running + 1
  if shows then
    M.open(heading)
  end
  argument = vim.tbl_extend('force', argument, { partialResultToken = token })
  local id = client.command(name, argument, bufnr, function(result, err)
    running = running - 1
    streams[token] = nil
    if shows then
      M.append(result and M.footer(result) or ('\n\n*' .. err.message .. '*\n'))
    end
    vim.cmd.redrawstatus()
    done(result, err)
  end)
  if not id then
    running = running - 1
    streams[token] = nil
  end
  vim.cmd.redrawstatus()
end

function M.footer(answer)
  local usage = answer.usage
  local state = answer.complete and '' or (' · incomplete (' .. answer.stopReason .. ')')
  local tokens = usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheCreationTokens
  return ('\n\n*%s · %s · %d tokens · $%.4f%s*\n'):format(answer.model, answer.tier, tokens, usage.costUsd, state)
end

--- Show the window without going there.
function M.open(heading)
  if not (buffer and vim.api.nvim_buf_is_valid(buffer)) then
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
  if heading then
    local empty = vim.api.nvim_buf_line_count(buffer) == 1 and vim.api.nvim_buf_get_lines(buffer, 0, 1, false)[1] == ''
    M.append((empty and '' or '\n') .. '# ' .. heading:gsub('%s+', ' ') .. '\n\n')
  end
end

--- Append text; a window whose cursor is elsewhere than on the last line stays where its reader is.
function M.append(text)
  if not (buffer and vim.api.nvim_buf_is_valid(buffer)) then
    return
  end
  local last = vim.api.nvim_buf_line_count(buffer)
  local window = vim.fn.bufwinid(buffer)
  local follows = window ~= -1 and vim.api.nvim_win_get_cursor(window)[1] == last
  local line = vim.api.nvim_buf_get_lines(buffer, last - 1, last, false)[1] or ''
  vim.api.nvim_buf_set_text(buffer, last - 1, #line, last - 1, #line, vim.split(text, '\n', { plain = true }))
  if follows then
    vim.api.nvim_win_set_cursor(window, { vim.api.nvim_buf_line_count(buffer), 0 })
  end
end

function M.running()
  return running
end

return M
