-- Found by vim.lsp.enable('missy'). Change anything with vim.lsp.config('missy', { ... }).

-- The nearest folder with `.missy` or `.git` (`root_markers` would take a `.missy` further up before a `.git`). Everybody has
-- a `.missy` at home; it makes no project of the home.
local function root(bufnr)
  local home = vim.fs.normalize(vim.uv.os_homedir() or '')
  return vim.fs.root(bufnr, function(name, path)
    return name == '.git' or (name == '.missy' and vim.fs.normalize(path) ~= home)
  end)
end

return {
  cmd = { 'missy-lsp' },
  root_dir = function(bufnr, on_dir)
    if vim.api.nvim_buf_get_name(bufnr) ~= '' then
      return on_dir(root(bufnr))
    end
    -- A buffer without a name is often about to become a file's, which has a root of its own.
    vim.schedule(function()
      if not vim.api.nvim_buf_is_valid(bufnr) or vim.api.nvim_buf_get_name(bufnr) ~= '' then
        return
      elseif not require('missy.nameless').taken(bufnr) then
        on_dir(root(bufnr))
      end
    end)
  end,
  -- What lies in no project belongs to the server that runs: a chat there knows what `@file` and `@selection` are.
  reuse_client = function(client, config)
    if client.name ~= config.name or client:is_stopped() then
      return false
    end
    return config.root_dir == nil or client.root_dir == config.root_dir
  end,
  on_exit = function(_, _, client_id)
    vim.schedule(function()
      require('missy.stream').ended(client_id)
      require('missy.pending').ended(client_id)
    end)
  end,
  handlers = {
    ['workspace/applyEdit'] = function(...)
      return require('missy.nameless').apply_edit(...)
    end,
    ['textDocument/publishDiagnostics'] = function(...)
      return require('missy.nameless').publish(...)
    end,
    -- Streamed text goes to its window; everything else stays what it is. Neovim keeps 50 progress messages in a ring,
    -- and streamed pieces would push the real ones out.
    ['$/progress'] = function(err, params, context)
      if require('missy.stream').take(params) then
        return
      end
      return vim.lsp.handlers['$/progress'](err, params, context)
    end,
  },
}
