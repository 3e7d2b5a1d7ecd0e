-- Found by vim.lsp.enable('missy'). Change anything with vim.lsp.config('missy', { ... }).
return {
  cmd = { 'missy-lsp' },
  -- A chat that lies in no project belongs to the server that runs, which knows what `@file` and `@selection` are.
  root_dir = function(bufnr, on_dir)
    local root = vim.fs.root(bufnr, { '.missy', '.git' })
    if not root and vim.api.nvim_buf_get_name(bufnr):match('%.missy%.md$') then
      local running = vim.lsp.get_clients({ name = 'missy' })[1]
      root = running and running.root_dir
    end
    on_dir(root)
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
