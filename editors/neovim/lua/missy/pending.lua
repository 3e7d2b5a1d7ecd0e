-- Changes that wait for a decision: which one is meant, and its diff.
local client = require('missy.client')

local M = {}

local latest ---@type string?
local shown = {} ---@type table<string, integer> proposal buffers by id

--- Take what an action came to.
function M.take(edit)
  if edit.status == 'pending' and edit.files then
    latest = edit.id
    local names = vim.tbl_map(function(file)
      return file.path
    end, edit.files)
    local words = 'a change of %d files is ready (%s): :Missy diff, :Missy accept or :Missy discard; at a mark that file alone'
    client.notify(words:format(#names, table.concat(names, ', ')))
  elseif edit.status == 'pending' then
    latest = edit.id
    client.notify(('a change is ready at line %d: :Missy diff, :Missy accept or :Missy discard'):format(edit.range.start.line + 1))
  elseif edit.status ~= 'applied' then
    latest = edit.id or latest
    client.notify(edit.message or ('the change was not applied: ' .. edit.status), vim.log.levels.WARN)
  end
end

--- Return the change at the cursor, else the latest.
function M.id()
  local line = vim.api.nvim_win_get_cursor(0)[1] - 1
  local first
  for _, diagnostic in ipairs(vim.diagnostic.get(0)) do
    local data = diagnostic.user_data and diagnostic.user_data.lsp and diagnostic.user_data.lsp.data
    if diagnostic.code == 'pending-edit' and data then
      first = first or data.id
      if diagnostic.lnum <= line and line <= diagnostic.end_lnum then
        return data.id
      end
    end
  end
  return latest or first
end

function M.close(id)
  local buffer = shown[id]
  shown[id] = nil
  if buffer and vim.api.nvim_buf_is_valid(buffer) then
    vim.cmd.diffoff({ bang = true })
    vim.api.nvim_buf_delete(buffer, { force = true })
  end
end

--- Show the diffs of a change that is in no one open document.
local function text_diff(edit)
  local lines = {}
  for _, file in ipairs(edit.files or { edit }) do
    vim.list_extend(lines, vim.split(file.diff or (file.path .. ': the diff is too long to be shown'), '\n'))
  end
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.api.nvim_buf_set_name(buffer, 'missy://proposal/' .. edit.id)
  vim.bo[buffer].filetype = 'diff'
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].bufhidden = 'wipe'
  shown[edit.id] = buffer
  vim.api.nvim_open_win(buffer, false, { split = 'right', win = 0 })
end

--- Show the whole document as it would be beside what it is.
function M.diff(edit)
  if not edit.hunks then
    return text_diff(edit)
  end
  local bufnr = vim.uri_to_bufnr(edit.uri)
  local encoding = (client.get(bufnr) or {}).offset_encoding or 'utf-16'
  local proposal = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(proposal, 0, -1, false, vim.api.nvim_buf_get_lines(bufnr, 0, -1, false))
  vim.lsp.util.apply_text_edits(vim.deepcopy(edit.hunks), proposal, encoding)
  vim.api.nvim_buf_set_name(proposal, 'missy://proposal/' .. edit.id)
  vim.bo[proposal].filetype = vim.bo[bufnr].filetype
  vim.bo[proposal].modifiable = false
  vim.bo[proposal].bufhidden = 'wipe'
  shown[edit.id] = proposal
  local window = vim.fn.bufwinid(bufnr)
  if window ~= -1 then
    vim.api.nvim_set_current_win(window)
  end
  vim.cmd.diffthis()
  vim.api.nvim_open_win(proposal, false, { split = 'right', win = 0 })
  vim.api.nvim_win_call(vim.fn.bufwinid(proposal), vim.cmd.diffthis)
end

return M
