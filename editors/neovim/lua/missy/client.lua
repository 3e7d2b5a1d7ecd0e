-- The running server and requests to it.
local M = {}

---@return vim.lsp.Client?
function M.get(bufnr)
  return vim.lsp.get_clients({ name = 'missy', bufnr = bufnr or 0 })[1] or vim.lsp.get_clients({ name = 'missy' })[1]
end

function M.notify(text, level)
  vim.notify('Missy: ' .. text, level or vim.log.levels.INFO)
end

--- Return the server of a buffer, else one that runs, else say that there is none.
---@return vim.lsp.Client?
function M.find(bufnr)
  local client = M.get(bufnr)
  if not client then
    M.notify("the server does not run here. Try: :lua vim.lsp.enable('missy'), then :checkhealth missy", vim.log.levels.ERROR)
  end
  return client
end

--- Run a command of the server's; `callback(result, error)` comes once, with the text of an error.
---@param client vim.lsp.Client? the buffer's where it is not given
---@return integer? request id
function M.command(name, argument, bufnr, callback, client)
  client = client or M.find(bufnr)
  if not client then
    return nil
  end
  -- With 0 for the buffer, Neovim 0.11 does not send pending changes first, and the server would see old text.
  bufnr = (bufnr == nil or bufnr == 0) and vim.api.nvim_get_current_buf() or bufnr
  argument = (argument == nil or next(argument) == nil) and vim.empty_dict() or argument -- {} would be sent as a list
  local params = { command = name, arguments = { argument } }
  local _, id = client:request('workspace/executeCommand', params, function(err, result)
    if err then
      M.notify(err.message, vim.log.levels.ERROR)
      callback(nil, err)
    else
      callback(result, nil)
    end
  end, bufnr)
  return id
end

--- Tell whether a buffer is a document that the server can be asked about. One without a name that has no server would be
--- taken for another one that has it.
function M.is_document(bufnr)
  local nameless = vim.api.nvim_buf_get_name(bufnr) == ''
  return vim.bo[bufnr].buftype == '' and not (nameless and #vim.lsp.get_clients({ name = 'missy', bufnr = bufnr }) == 0)
end

--- Return the document and the range that a command was called for: whole lines, else the cursor.
function M.target(options)
  local bufnr = vim.api.nvim_get_current_buf()
  local target = { textDocument = { uri = vim.uri_from_bufnr(bufnr) } }
  if options.range and options.range > 0 then
    target.range = {
      start = { line = options.line1 - 1, character = 0 },
      ['end'] = { line = math.min(options.line2, vim.api.nvim_buf_line_count(bufnr)), character = 0 },
    }
    if options.line2 >= vim.api.nvim_buf_line_count(bufnr) then
      local last = options.line2 - 1
      local text = vim.api.nvim_buf_get_lines(bufnr, last, last + 1, false)[1] or ''
      target.range['end'] = { line = last, character = M.units(bufnr, text) }
    end
  else
    local client = M.get(bufnr)
    local place = vim.lsp.util.make_position_params(0, client and client.offset_encoding or 'utf-16').position
    target.range = { start = place, ['end'] = place }
  end
  return target
end

--- Return the diagnostics of other tools on the lines of a range, as LSP has them. Their `lsp` places are not taken: they
--- count as their own server does, and a linter's have none.
function M.diagnostics(bufnr, range)
  local first, last = range.start.line, range['end'].line
  if range['end'].character == 0 and last > first then
    last = last - 1
  end
  local function place(line, column)
    local text = vim.api.nvim_buf_get_lines(bufnr, line, line + 1, false)[1] or ''
    return { line = line, character = M.units(bufnr, text:sub(1, column)) }
  end
  local found = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(bufnr)) do
    local last_of = diagnostic.end_lnum or diagnostic.lnum
    if diagnostic.lnum <= last and last_of >= first and diagnostic.source ~= 'missy' then
      table.insert(found, {
        range = {
          start = place(diagnostic.lnum, diagnostic.col),
          ['end'] = place(last_of, diagnostic.end_col or diagnostic.col),
        },
        message = diagnostic.message,
        severity = diagnostic.severity,
        source = diagnostic.source,
        code = diagnostic.code,
      })
    end
  end
  return found
end

function M.units(bufnr, text)
  local client = M.get(bufnr)
  return vim.str_utfindex(text, client and client.offset_encoding or 'utf-16')
end

return M
