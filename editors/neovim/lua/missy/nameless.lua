-- A buffer without a name. Neovim's URI for it is `file://`, and in the other direction takes that for the folder `/`: edits
-- and marks would go to a listing of that folder.
local M = {}

local URI = 'file://'
local marked = {} ---@type table<integer, integer> the buffer that was marked last, by client: it may have got a name since

--- Return the buffer without a name that the client has, if there is one.
---@return integer?
local function attached(client_id)
  local client = vim.lsp.get_client_by_id(client_id)
  for bufnr in pairs(client and client.attached_buffers or {}) do
    if vim.api.nvim_buf_is_valid(bufnr) and vim.uri_from_bufnr(bufnr) == URI then
      return bufnr
    end
  end
end

--- Tell whether another buffer without a name has a server: two would be one document to it.
function M.taken(bufnr)
  for _, client in ipairs(vim.lsp.get_clients({ name = 'missy' })) do
    local other = attached(client.id)
    if other and other ~= bufnr then
      return true
    end
  end
  return false
end

--- Return the buffer of a document of the client's.
function M.buffer(uri, client_id)
  return uri == URI and client_id and attached(client_id) or vim.uri_to_bufnr(uri)
end

local function apply(change, client_id)
  local bufnr = attached(client_id)
  local version = change.textDocument.version
  if not bufnr then
    error('the buffer is no longer there')
  elseif type(version) == 'number' and (vim.lsp.util.buf_versions[bufnr] or 0) > version then
    error('the buffer has changed meanwhile')
  end
  vim.lsp.util.apply_text_edits(change.edits, bufnr, vim.lsp.get_client_by_id(client_id).offset_encoding)
end

--- `workspace/applyEdit`: Neovim's own, but for what belongs into a buffer without a name.
function M.apply_edit(err, params, context)
  local theirs, ours = {}, {}
  for _, change in ipairs(params.edit.documentChanges or {}) do
    table.insert(change.textDocument and change.textDocument.uri == URI and ours or theirs, change)
  end
  for _, change in ipairs(ours) do
    local done, problem = pcall(apply, change, context.client_id)
    if not done then
      return { applied = false, failureReason = problem }
    end
  end
  if #ours > 0 and #theirs == 0 then
    return { applied = true }
  elseif #ours > 0 then
    params = vim.tbl_extend('force', params, { edit = vim.tbl_extend('force', params.edit, { documentChanges = theirs }) })
  end
  return vim.lsp.handlers['workspace/applyEdit'](err, params, context)
end

--- `textDocument/publishDiagnostics`, likewise.
function M.publish(err, params, context)
  if params.uri ~= URI then
    return vim.lsp.handlers['textDocument/publishDiagnostics'](err, params, context)
  end
  local bufnr = attached(context.client_id) or marked[context.client_id]
  if not bufnr or not vim.api.nvim_buf_is_loaded(bufnr) then
    return
  end
  marked[context.client_id] = bufnr
  local encoding = vim.lsp.get_client_by_id(context.client_id).offset_encoding
  local function column(place)
    local line = vim.api.nvim_buf_get_lines(bufnr, place.line, place.line + 1, false)[1] or ''
    return vim.str_byteindex(line, encoding, place.character, false)
  end
  local found = vim.tbl_map(function(diagnostic)
    local first, last = diagnostic.range.start, diagnostic.range['end']
    local place = { lnum = first.line, col = column(first), end_lnum = last.line, end_col = column(last) }
    local what = { severity = diagnostic.severity, message = diagnostic.message, source = diagnostic.source }
    return vim.tbl_extend('error', place, what, { code = diagnostic.code, user_data = { lsp = diagnostic } })
  end, params.diagnostics)
  vim.diagnostic.set(vim.lsp.diagnostic.get_namespace(context.client_id), bufnr, found)
end

return M
