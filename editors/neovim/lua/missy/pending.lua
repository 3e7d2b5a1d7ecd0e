-- Changes that wait for a decision: which one is meant, and its diff.
local client = require('missy.client')

local M = {}

local waiting = {} ---@type { id: string, client_id: integer?, deciding: boolean? }[] what has come and is not decided on, the latest last
local shown = {} ---@type table<string, integer> proposal buffers by id

local function remove(id)
  waiting = vim.tbl_filter(function(change)
    return change.id ~= id
  end, waiting)
end

--- Note whether a change is being decided on: the next command means another one.
function M.deciding(id, yes)
  for _, change in ipairs(waiting) do
    if change.id == id then
      change.deciding = yes
    end
  end
end

--- Take what an action of a client's came to.
function M.take(edit, client_id)
  if edit.id and edit.status ~= 'applied' then
    remove(edit.id)
    table.insert(waiting, { id = edit.id, client_id = client_id })
  end
  if edit.status == 'pending' and edit.files then
    local names = vim.tbl_map(function(file)
      return file.path
    end, edit.files)
    local words = 'a change of %d files is ready (%s): :Missy diff, :Missy accept or :Missy discard; at a mark that file alone'
    client.notify(words:format(#names, table.concat(names, ', ')))
  elseif edit.status == 'pending' then
    client.notify(('a change is ready at line %d: :Missy diff, :Missy accept or :Missy discard'):format(edit.range.start.line + 1))
  elseif edit.status ~= 'applied' then
    client.notify(edit.message or ('the change was not applied: ' .. edit.status), vim.log.levels.WARN)
  end
end

--- Return the change whose diff this window shows, else the one at the cursor, else the latest, and the client that has it.
---@return string? id
---@return vim.lsp.Client?
function M.id()
  local here = vim.b.missy_change
  if here then
    return here.id, vim.lsp.get_client_by_id(here.client_id)
  end
  local line = vim.api.nvim_win_get_cursor(0)[1] - 1
  local first
  for _, diagnostic in ipairs(vim.diagnostic.get(0)) do
    local data = diagnostic.user_data and diagnostic.user_data.lsp and diagnostic.user_data.lsp.data
    if diagnostic.code == 'pending-edit' and data then
      first = first or data.id
      if diagnostic.lnum <= line and line <= diagnostic.end_lnum then
        return data.id, client.get(0)
      end
    end
  end
  for position = #waiting, 1, -1 do
    local change = waiting[position]
    if not change.deciding then
      return change.id, change.client_id and vim.lsp.get_client_by_id(change.client_id)
    end
  end
  return first, client.get(0)
end

--- Let go of a change that was decided on, and of its diff.
function M.close(id)
  remove(id)
  M.hide(id)
end

--- Let go of what a server had that has ended.
function M.ended(client_id)
  waiting = vim.tbl_filter(function(change)
    return change.client_id ~= client_id
  end, waiting)
end

--- Close the diff of a change.
function M.hide(id)
  local buffer = shown[id]
  shown[id] = nil
  if buffer and vim.api.nvim_buf_is_valid(buffer) then
    local window = vim.fn.bufwinid(buffer)
    if window ~= -1 and vim.wo[window].diff then
      vim.cmd.diffoff({ bang = true })
    end
    vim.api.nvim_buf_delete(buffer, { force = true })
  end
end

--- Make the buffer that shows a change; what is decided there is decided on that change.
local function proposal(edit, client_id, lines)
  M.hide(edit.id)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.api.nvim_buf_set_name(buffer, 'missy://proposal/' .. edit.id)
  vim.b[buffer].missy_change = { id = edit.id, client_id = client_id }
  shown[edit.id] = buffer
  return buffer
end

--- Show a proposal to the right of this window.
local function show(buffer, filetype)
  vim.bo[buffer].filetype = filetype
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].bufhidden = 'wipe'
  return vim.api.nvim_open_win(buffer, false, { split = 'right', win = 0 })
end

--- Show the diffs of a change that is in no one open document.
local function text_diff(edit, client_id)
  local lines = {}
  for _, file in ipairs(edit.files or { edit }) do
    vim.list_extend(lines, vim.split(file.diff or (file.path .. ': the diff is too long to be shown'), '\n'))
  end
  show(proposal(edit, client_id, lines), 'diff')
end

--- Show the whole document as it would be beside what it is.
function M.diff(edit, server)
  if not edit.hunks then
    return text_diff(edit, server.id)
  end
  local bufnr = require('missy.nameless').buffer(edit.uri, server.id)
  local buffer = proposal(edit, server.id, vim.api.nvim_buf_get_lines(bufnr, 0, -1, false))
  vim.lsp.util.apply_text_edits(vim.deepcopy(edit.hunks), buffer, server.offset_encoding)
  local window = vim.fn.bufwinid(bufnr)
  if window == -1 then
    -- The document is out of sight; beside another one its proposal would be no diff.
    vim.cmd(('tab sbuffer %d'):format(bufnr))
  else
    vim.api.nvim_set_current_win(window)
  end
  vim.cmd.diffthis()
  vim.api.nvim_win_call(show(buffer, vim.bo[bufnr].filetype), vim.cmd.diffthis)
end

return M
