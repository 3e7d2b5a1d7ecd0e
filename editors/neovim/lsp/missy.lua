-- Found by vim.lsp.enable('missy'). Change anything with vim.lsp.config('missy', { ... }).
return {
  cmd = { 'missy-lsp' },
  root_markers = { '.missy', '.git' },
  -- What lies in no project belongs to the server that runs: a chat there knows what `@file` and `@selection` are.
  reuse_client = function(client, config)
    return client.name == config.name and (config.root_dir == nil or client.root_dir == config.root_dir)
  end,
  handlers = {
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
